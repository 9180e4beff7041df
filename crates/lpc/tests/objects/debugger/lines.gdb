set print frame-arguments none
echo -- a breakpoint at a line\n
break frames.clif:33
continue
backtrace
echo -- to the next line\n
next
step
echo -- the caller\n
up
info frame
finish
echo -- into the caller, and on\n
next
next
echo -- a function\n
info scope inner
info line inner
info address middle
ptype inner
