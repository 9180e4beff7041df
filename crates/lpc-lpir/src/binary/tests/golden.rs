//! The bytes of small modules, one by one.

use super::encoded;
use std::vec::Vec;

/// Checks that `text` is encoded as the bytes of `parts`, each of which is said to be something.
fn check(text: &str, parts: &[(&[u8], &str)]) {
    let expected: Vec<u8> = parts
        .iter()
        .flat_map(|(bytes, _)| bytes.iter().copied())
        .collect();
    let found = encoded(text);
    let mut rest = found.as_slice();
    for (bytes, what) in parts {
        let (part, behind) = rest.split_at(bytes.len().min(rest.len()));
        assert_eq!(part, *bytes, "{what}");
        rest = behind;
    }
    assert_eq!(found, expected);
}

#[test]
fn the_empty_module() {
    check(
        "",
        &[
            (b"\0lpi", "magic"),
            (&[1], "version"),
            (&[0, 0, 0], "no imports, no data, no functions"),
        ],
    );
}

#[test]
fn a_loop() {
    check(
        "
function %sum(i32) -> i32 {
block0(v0: i32):
    v1 = iconst.i32 0
    jump block1(v0, v1)
block1(v2: i32, v3: i32):
    v4 = iadd v3, v2
    v5 = iconst.i32 -1
    v6 = iadd v2, v5
    brif v6, block1(v6, v4), block2
block2:
    return v4
}
",
        &[
            (b"\0lpi\x01", "magic and version"),
            (&[0, 0, 1], "no imports, no data, one function"),
            (
                &[0],
                "no flags: exported, without source locations and limit of the stack",
            ),
            (b"\x04sum", "the name, its length plus one before it"),
            (
                &[1 << 2, 1, 2, 2],
                "one parameter, convention 0; one result; both i32",
            ),
            (
                &[0, 0, 0, 0],
                "no slots, global values, signatures, functions",
            ),
            (
                &[6, 7, 3],
                "six values but the parameter, seven instructions, three blocks",
            ),
            (
                &[2 << 1, 0],
                "two parameters of block1, none of block2; neither is cold",
            ),
            (&[56, 0], "v1 = iconst.i32 0"),
            (
                &[0, 1 << 1, 2, 1],
                "jump one block ahead, with the values two back and one back",
            ),
            (&[2, 2], "the types of v2 and v3"),
            (&[72, 1, 2], "v4 = iadd v3, v2"),
            (&[56, 1], "v5 = iconst.i32 -1"),
            (&[72, 4, 1], "v6 = iadd v2, v5"),
            (
                &[1, 1, 0, 1, 3, 1 << 1],
                "brif v6, this block with v6 and v4, the next block",
            ),
            (&[7, 3], "return v4"),
        ],
    );
}

/// The values of a function may be more than the bytes of its body: its parameters stand in the signature.
#[test]
fn parameters_without_a_use() {
    check(
        "
function %f(i32, i32, i32, i32, i32, i32) {
block0(v0: i32, v1: i32, v2: i32, v3: i32, v4: i32, v5: i32):
    return
}
",
        &[
            (b"\0lpi\x01", "magic and version"),
            (&[0, 0, 1], "no imports, no data, one function"),
            (&[0], "no flags"),
            (b"\x02f", "the name"),
            (&[6 << 2, 0, 2, 2, 2, 2, 2, 2], "six parameters, no results"),
            (&[0, 0, 0, 0], "no declarations"),
            (
                &[0, 1, 1],
                "no values but the parameters, one instruction, one block",
            ),
            (&[7], "return"),
        ],
    );
}

#[test]
fn data_and_imports() {
    check(
        "
; import: data %d
; import: %putc(i32 sext) system_v
; data: %t readonly align 4 = { i8 1, zero 3, %d-1, i8 7, %d }
; data: %z local zeroed 300
",
        &[
            (b"\0lpi\x01", "magic and version"),
            (&[2], "two imports"),
            (b"\x00\x02d", "data"),
            (b"\x01\x05putc", "a function"),
            (
                &[1 << 2 | 2, 0, 2 << 3 | 2],
                "one parameter, convention 2, no results; i32 sext",
            ),
            (&[2], "two data objects"),
            (&[2 << 3 | 1], "aligned to 4, exported, read-only"),
            (b"\x02t", "the name"),
            (&[13, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0], "13 bytes"),
            (&[0], "no zeros behind them"),
            (&[2], "two addresses"),
            (b"\x04\x02d\x01", "4 bytes from the start: %d-1"),
            (b"\x05\x02d\x00", "5 bytes from the one before: %d"),
            (&[1 << 2 | 2], "aligned to 1, local, zeroed"),
            (b"\x02z", "the name"),
            (&[0xac, 2], "300 bytes"),
            (&[0], "no functions"),
        ],
    );
}

#[test]
fn what_is_written_in_rare_cases() {
    check(
        "
; local: u5:300
function u5:300(i32) tail {
    sig0 = () -> i32, i32
block0(v0: i32):
@0012    v1, v2 = call_indirect sig0, v0()
    jump block2
block1:
    v3 = ineg.i32 v4
    return
block2:
@000f    v4 = load.i32 notrap v0+64
    store user1 v4, v0
    jump block1
}
",
        &[
            (b"\0lpi\x01", "magic and version"),
            (&[0, 0, 1], "no imports, no data, one function"),
            (&[3], "local, with source locations"),
            (&[0, 5, 0xac, 2], "the name that is two numbers"),
            (
                &[1 << 2 | 1, 0, 2],
                "one parameter, convention 1, no results",
            ),
            (&[0, 0], "no slots, no global values"),
            (
                &[1, 0, 2, 2, 2],
                "a signature without parameters, with two results",
            ),
            (&[0], "no functions"),
            (
                &[4, 7, 3],
                "four values but the parameter, seven instructions, three blocks",
            ),
            (&[0, 0], "the headers of block1 and block2"),
            (&[38], "location 19 more than none"),
            (
                &[9, 0, 1, 0],
                "v1, v2 = call_indirect sig0, v0(), with a byte for the second result",
            ),
            (&[37], "location 19 less: none"),
            (&[0, 2 << 1], "jump block2"),
            (&[0], "the same location"),
            (
                &[74, 0, 1, 2],
                "v3 = ineg v4, which is one ahead, of type i32",
            ),
            (&[0], "the same location"),
            (&[7], "return"),
            (&[32], "location 16 more than none"),
            (&[20, 1, 4, 0x80, 1], "v4 = load.i32, flags, v0, offset 64"),
            (&[31], "location 16 less"),
            (
                &[25, 0x40, 1, 1, 5, 0],
                "store, flags, user1, v4, v0, offset 0",
            ),
            (&[0], "the same location"),
            (&[0, 1], "jump one block back"),
        ],
    );
}
