//! Counters of the hart.

use core::arch::asm;

/// How many instructions the hart has executed.
pub fn instructions() -> u64 {
    loop {
        let (high, low, high_again): (u32, u32, u32);
        // SAFETY: reading counters has no effect.
        unsafe {
            asm!(
                "csrr {high}, minstreth",
                "csrr {low}, minstret",
                "csrr {high_again}, minstreth",
                high = out(reg) high,
                low = out(reg) low,
                high_again = out(reg) high_again,
                options(nomem, nostack),
            );
        }
        // Otherwise the lower half wrapped around in between.
        if high == high_again {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}
