echo -- a parameter of a loop, in its third round\n
break values.clif:53 if v2 == 19
continue
info args
info locals
echo -- the caller\n
up
info args
info locals
print v4 + v5
echo -- its caller\n
up
info args
info locals
echo -- the result\n
down
finish
