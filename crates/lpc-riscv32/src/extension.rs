//! Instruction-set extensions, and sets of them with their text form (`rv32imac_zba_zbb`).
//!
//! A set always contains what its members imply (`c` implies `zca`, `b` implies `zba`, `zbb` and
//! `zbs`), so a question about a set is one bit test. Printing leaves the implied names out again:
//! parsing what was printed gives the same set.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Defines [`Extension`] in canonical order: single letters first, then the multi-letter names
/// sorted by the letter after the `z` (in the order I M A C B) and then alphabetically.
macro_rules! extensions {
    ($($(#[$doc:meta])* $variant:ident $name:literal [$($implied:ident)*];)*) => {
        /// An instruction-set extension that this crate knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Extension {
            $($(#[$doc])* $variant,)*
        }

        impl Extension {
            /// All extensions in canonical order.
            pub const ALL: &'static [Extension] = &[$(Extension::$variant),*];

            /// The name in lower case, as in an ISA string.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Extension::$variant => $name,)*
                }
            }

            /// The extensions that this one contains by definition, itself excluded.
            pub const fn implied(self) -> &'static [Extension] {
                match self {
                    $(Extension::$variant => &[$(Extension::$implied),*],)*
                }
            }
        }
    };
}

extensions! {
    /// Base integer instruction set.
    I "i" [];
    /// Integer multiplication and division.
    M "m" [Zmmul];
    /// Atomic instructions.
    A "a" [Zaamo Zalrsc];
    /// Compressed instructions.
    C "c" [Zca];
    /// Bit manipulation for application processors.
    B "b" [Zba Zbb Zbs];
    /// Cycle, time and retired-instruction counters.
    Zicntr "zicntr" [Zicsr];
    /// Integer conditional operations.
    Zicond "zicond" [];
    /// Control and status register access.
    Zicsr "zicsr" [];
    /// Instruction-fetch fence.
    Zifencei "zifencei" [];
    /// Pause hint: a name for an encoding that is legal without it.
    Zihintpause "zihintpause" [];
    /// Integer multiplication without division.
    Zmmul "zmmul" [];
    /// Atomic memory operations.
    Zaamo "zaamo" [];
    /// Load-reserved and store-conditional.
    Zalrsc "zalrsc" [];
    /// Compressed instructions that need no floating-point registers.
    Zca "zca" [];
    /// Further compressed instructions of simple operations.
    Zcb "zcb" [Zca];
    /// Address generation.
    Zba "zba" [];
    /// Basic bit manipulation.
    Zbb "zbb" [];
    /// Bit manipulation for cryptography.
    Zbkb "zbkb" [];
    /// Single-bit instructions.
    Zbs "zbs" [];
}

/// Ratified names that an ISA string may well contain but whose instructions this crate lacks.
const UNSUPPORTED: &[&str] = &[
    "e", "f", "d", "q", "v", "h", "zawrs", "zabha", "zacas", "zfh", "zfhmin", "zfinx", "zdinx",
    "zbc", "zbkc", "zbkx", "zcd", "zcf", "zcmop", "zcmp", "zcmt", "zk", "zkn", "zknd", "zkne",
    "zknh",
];

/// What the shorthand `g` stands for.
const GENERAL: &[&str] = &["i", "m", "a", "f", "d", "zicsr", "zifencei"];

impl Extension {
    fn from_name(name: &str) -> Option<Extension> {
        Self::ALL.iter().copied().find(|ext| ext.name() == name)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The instruction set of a machine: a set of extensions, closed under implication.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ExtensionSet(u32);

impl ExtensionSet {
    /// The empty set.
    pub const EMPTY: ExtensionSet = ExtensionSet(0);
    /// The base instruction set alone.
    pub const RV32I: ExtensionSet = ExtensionSet::EMPTY.with(Extension::I);
    /// Base and multiplication.
    pub const RV32IM: ExtensionSet = ExtensionSet::RV32I.with(Extension::M);
    /// Base, multiplication and compressed instructions.
    pub const RV32IMC: ExtensionSet = ExtensionSet::RV32IM.with(Extension::C);
    /// Base, multiplication, atomics and compressed instructions.
    pub const RV32IMAC: ExtensionSet = ExtensionSet::RV32IMC.with(Extension::A);

    /// The set with `extension` and all that it implies added.
    #[must_use]
    pub const fn with(self, extension: Extension) -> ExtensionSet {
        let mut set = ExtensionSet(self.0 | 1 << extension as u32);
        let implied = extension.implied();
        let mut i = 0;
        while i < implied.len() {
            set = set.with(implied[i]);
            i += 1;
        }
        set
    }

    /// All extensions that this crate knows.
    pub const fn all() -> ExtensionSet {
        ExtensionSet((1 << Extension::ALL.len()) - 1)
    }

    /// Whether `extension` is in the set.
    #[inline]
    pub const fn contains(self, extension: Extension) -> bool {
        self.0 & 1 << extension as u32 != 0
    }

    /// Whether every member of `other` is in the set.
    pub const fn contains_all(self, other: ExtensionSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// The members of either set.
    #[must_use]
    pub const fn union(self, other: ExtensionSet) -> ExtensionSet {
        ExtensionSet(self.0 | other.0)
    }

    /// The members in canonical order, implied ones included.
    pub fn iter(self) -> impl Iterator<Item = Extension> {
        Extension::ALL
            .iter()
            .copied()
            .filter(move |ext| self.contains(*ext))
    }

    fn is_implied_by_another(self, extension: Extension) -> bool {
        self.iter().any(|ext| ext.implied().contains(&extension))
    }
}

impl fmt::Display for ExtensionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rv32")?;
        let mut after_single_letters = false;
        for extension in self.iter().filter(|ext| !self.is_implied_by_another(*ext)) {
            let name = extension.name();
            if name.len() > 1 && after_single_letters {
                f.write_str("_")?;
            }
            f.write_str(name)?;
            after_single_letters = true;
        }
        Ok(())
    }
}

impl fmt::Debug for ExtensionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not an ISA string, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseExtensionError {
    /// Byte offset into the text.
    pub position: usize,
    /// What is wrong there.
    pub kind: ParseExtensionErrorKind,
}

/// What is wrong with an ISA string.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseExtensionErrorKind {
    /// The text does not start with `rv32`.
    NotRv32,
    /// The base instruction set `i` (or `g`) does not follow `rv32`.
    MissingBase,
    /// There is no extension of this name.
    Unknown(String),
    /// The extension exists but this crate lacks its instructions.
    Unsupported(String),
    /// The extension is named twice.
    Duplicate(Extension),
    /// An extension name is missing between, before or after underscores.
    MissingName,
}

impl fmt::Display for ParseExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ParseExtensionErrorKind::NotRv32 => {
                f.write_str("expected an ISA string that starts with `rv32`")?
            }
            ParseExtensionErrorKind::MissingBase => {
                f.write_str("expected the base instruction set `i` after `rv32`")?;
            }
            ParseExtensionErrorKind::Unknown(name) => write!(f, "unknown extension `{name}`")?,
            ParseExtensionErrorKind::Unsupported(name) => {
                write!(f, "extension `{name}` is not supported")?;
            }
            ParseExtensionErrorKind::Duplicate(extension) => {
                write!(f, "extension `{extension}` is named twice")?;
            }
            ParseExtensionErrorKind::MissingName => f.write_str("expected an extension name")?,
        }
        write!(f, " (at offset {})", self.position)
    }
}

impl core::error::Error for ParseExtensionError {}

impl FromStr for ExtensionSet {
    type Err = ParseExtensionError;

    /// Parses an ISA string, in either case of letters.
    ///
    /// Versions (`i2p1`, `zba1p0`) are accepted and ignored, and so is the order of names.
    fn from_str(text: &str) -> Result<ExtensionSet, ParseExtensionError> {
        let mut parser = Parser {
            text,
            position: 0,
            named: 0,
        };
        if !text
            .get(..4)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("rv32"))
        {
            return Err(parser.error(ParseExtensionErrorKind::NotRv32));
        }
        parser.position = 4;
        let set = parser.extensions()?;
        if set.contains(Extension::I) {
            Ok(set)
        } else {
            parser.position = 4;
            Err(parser.error(ParseExtensionErrorKind::MissingBase))
        }
    }
}

/// The parser of an ISA string behind its `rv32`.
struct Parser<'a> {
    text: &'a str,
    position: usize,
    /// One bit for each extension that was named, as opposed to implied.
    named: u32,
}

impl<'a> Parser<'a> {
    fn extensions(&mut self) -> Result<ExtensionSet, ParseExtensionError> {
        let mut set = ExtensionSet::EMPTY;
        while self.position < self.text.len() {
            if self.rest().starts_with('_') {
                self.position += 1;
                if self.rest().is_empty() || self.rest().starts_with('_') {
                    return Err(self.error(ParseExtensionErrorKind::MissingName));
                }
            }
            let (name, length) = self.next_name();
            if name.eq_ignore_ascii_case("g") {
                for part in GENERAL {
                    set = set.with(self.lookup(part)?);
                }
            } else {
                set = set.with(self.lookup(&name.to_ascii_lowercase())?);
            }
            self.position += length;
        }
        Ok(set)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// The name at the position, without its version, and the length with it.
    fn next_name(&self) -> (&'a str, usize) {
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or_default();
        if matches!(first.to_ascii_lowercase(), 'z' | 's' | 'x') {
            let word = rest.split('_').next().unwrap_or_default();
            (without_version(word), word.len())
        } else {
            let letter = first.len_utf8();
            let (name, version) = rest.split_at(letter);
            (name, letter + version_length(version))
        }
    }

    fn lookup(&mut self, name: &str) -> Result<Extension, ParseExtensionError> {
        let Some(extension) = Extension::from_name(name) else {
            return Err(self.error(if UNSUPPORTED.contains(&name) {
                ParseExtensionErrorKind::Unsupported(name.to_owned())
            } else {
                ParseExtensionErrorKind::Unknown(name.to_owned())
            }));
        };
        let bit = 1 << extension as u32;
        if self.named & bit != 0 {
            return Err(self.error(ParseExtensionErrorKind::Duplicate(extension)));
        }
        self.named |= bit;
        Ok(extension)
    }

    fn error(&self, kind: ParseExtensionErrorKind) -> ParseExtensionError {
        ParseExtensionError {
            position: self.position,
            kind,
        }
    }
}

/// Length of the version number (`2`, `2p1`) that `text` starts with, or 0.
fn version_length(text: &str) -> usize {
    let major = digits(text);
    let minor = match text[major..].strip_prefix(['p', 'P']) {
        Some(minor) if major > 0 => digits(minor),
        _ => 0,
    };
    if minor > 0 { major + 1 + minor } else { major }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// `word` without a version number at its end.
fn without_version(word: &str) -> &str {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    match name.strip_suffix(['p', 'P']) {
        Some(major) if name.len() < word.len() && major.ends_with(|c: char| c.is_ascii_digit()) => {
            major.trim_end_matches(|c: char| c.is_ascii_digit())
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn parse(text: &str) -> Result<ExtensionSet, ParseExtensionError> {
        text.parse()
    }

    fn canonical(text: &str) -> String {
        parse(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .to_string()
    }

    fn error(text: &str) -> (usize, ParseExtensionErrorKind) {
        let error = parse(text).unwrap_err();
        (error.position, error.kind)
    }

    #[test]
    fn prints_in_canonical_order() {
        assert_eq!(canonical("rv32i"), "rv32i");
        assert_eq!(canonical("rv32imac_zba_zbb"), "rv32imac_zba_zbb");
        assert_eq!(canonical("RV32IMAC_Zbb_Zba"), "rv32imac_zba_zbb");
        assert_eq!(
            canonical("rv32icam_zbs_zcb_zifencei_zicsr_zicond"),
            "rv32imac_zicond_zicsr_zifencei_zcb_zbs"
        );
        assert_eq!(canonical("rv32i_m_c"), "rv32imc");
        assert_eq!(canonical("rv32izba"), "rv32i_zba");
    }

    #[test]
    fn versions_are_ignored() {
        assert_eq!(
            canonical(
                "rv32i2p1_m2p0_a2p1_c2p0_zicsr2p0_zifencei2p0_zmmul1p0_zaamo1p0_zalrsc1p0_zca1p0"
            ),
            "rv32imac_zicsr_zifencei"
        );
        assert_eq!(canonical("rv32i2m2a2_zba1p0_zbb1"), "rv32ima_zba_zbb");
    }

    #[test]
    fn implied_extensions_are_members_and_not_printed() {
        let set = parse("rv32imac_b").unwrap();
        for extension in [
            Extension::Zmmul,
            Extension::Zaamo,
            Extension::Zalrsc,
            Extension::Zca,
        ] {
            assert!(set.contains(extension), "{extension}");
        }
        assert!(set.contains_all(ExtensionSet::RV32IMAC));
        assert_eq!(set.to_string(), "rv32imacb");
        assert_eq!(canonical("rv32i_zaamo_zmmul"), "rv32i_zmmul_zaamo");
        assert!(!parse("rv32i_zmmul").unwrap().contains(Extension::M));
        assert!(parse("rv32i_zcb").unwrap().contains(Extension::Zca));
    }

    #[test]
    fn printing_every_single_extension_parses_back() {
        for extension in Extension::ALL {
            let set = ExtensionSet::RV32I.with(*extension);
            assert_eq!(parse(&set.to_string()), Ok(set));
        }
        assert_eq!(
            parse(&ExtensionSet::all().to_string()),
            Ok(ExtensionSet::all())
        );
    }

    #[test]
    fn errors_state_their_position() {
        use ParseExtensionErrorKind::*;
        assert_eq!(error(""), (0, NotRv32));
        assert_eq!(error("rv64i"), (0, NotRv32));
        assert_eq!(error("rv3"), (0, NotRv32));
        assert_eq!(error("é32i"), (0, NotRv32));
        assert_eq!(error("rv32"), (4, MissingBase));
        assert_eq!(error("rv32ma"), (4, MissingBase));
        assert_eq!(error("rv32iw"), (5, Unknown("w".to_owned())));
        assert_eq!(error("rv32ié"), (5, Unknown("é".to_owned())));
        assert_eq!(error("rv32im_zbb_zqq1p0"), (11, Unknown("zqq".to_owned())));
        assert_eq!(error("rv32imf"), (6, Unsupported("f".to_owned())));
        assert_eq!(error("rv32e"), (4, Unsupported("e".to_owned())));
        assert_eq!(error("rv32gc"), (4, Unsupported("f".to_owned())));
        assert_eq!(error("rv32imac_zcmp"), (9, Unsupported("zcmp".to_owned())));
        assert_eq!(error("rv32imm"), (6, Duplicate(Extension::M)));
        assert_eq!(error("rv32i_zba_zba"), (10, Duplicate(Extension::Zba)));
        assert_eq!(error("rv32i_"), (6, MissingName));
        assert_eq!(error("rv32i__m"), (6, MissingName));
        assert_eq!(
            parse("rv32imf").unwrap_err().to_string(),
            "extension `f` is not supported (at offset 6)"
        );
    }
}
