//! From bytes to modules.
//!
//! ```text
//! module ::= magic version imports data functions
//! ```

mod body;
mod declarations;

use super::error::{DecodeError, DecodeErrorKind};
use super::fields::{
    HAS_LOCATIONS, HAS_STACK_LIMIT, IMPORTED_DATA, IMPORTED_FUNCTION, IS_LOCAL, data_from_byte,
    linkage_from_bit,
};
use super::reader::{DecodeResult, Reader};
use super::{MAGIC, VERSION};
use crate::ir::{
    CallConv, DataKind, DataObject, DataReloc, ExternalName, Function, Import, ImportKind, Linkage,
    Module, ModuleError, Signature,
};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The module that [`encode`](super::encode) made `bytes` of.
///
/// ```
/// use lpc_lpir::{binary, text};
///
/// let text = "function %twice(i32) -> i32 fast {\nblock0(v0: i32):\n    v1 = iadd v0, v0\n    return v1\n}\n";
/// let bytes = binary::encode(&text::parse_module(text)?)?;
/// assert!(2 * bytes.len() < text.len());
/// assert_eq!(binary::decode(&bytes)?.to_string(), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, if `bytes` are no module. What is decoded need not pass the verifier.
pub fn decode(bytes: &[u8]) -> Result<Module, DecodeError> {
    let mut decoder = Decoder::new(bytes)?;
    let mut module = decoder.take_module();
    loop {
        let mut function = Function::new(ExternalName::user(0, 0), Signature::default());
        let Some(linkage) = decoder.read_function(&mut function)? else {
            return Ok(module);
        };
        let added = module.add_function(function);
        let id = added.map_err(|error| decoder.module_error(error))?;
        module.set_linkage(id, linkage);
    }
}

/// Decodes a module piece by piece: what its functions share at first, then function by function, so that no more than one need
/// be in memory.
///
/// ```
/// use lpc_lpir::binary::{self, Decoder};
/// use lpc_lpir::ir::{ExternalName, Function, Signature};
/// use lpc_lpir::text::parse_module;
///
/// let text = "function %f() {\nblock0:\n    return\n}\nfunction %g() {\nblock0:\n    return\n}\n";
/// let bytes = binary::encode(&parse_module(text)?)?;
/// let mut decoder = Decoder::new(&bytes)?;
/// let mut function = Function::new(ExternalName::symbol(""), Signature::default());
/// let mut names = Vec::new();
/// while decoder.read_function(&mut function)?.is_some() {
///     names.push(function.name.to_string());
/// }
/// assert_eq!(names, ["%f", "%g"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    reader: Reader<'a>,
    /// Imports and data.
    module: Module,
    functions_left: usize,
}

impl<'a> Decoder<'a> {
    /// Decodes the start of `bytes`, up to the functions.
    ///
    /// # Errors
    /// The first thing that is wrong there.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut decoder = Self {
            reader: Reader::new(bytes),
            module: Module::new(),
            functions_left: 0,
        };
        decoder.read_header()?;
        for _ in 0..decoder.reader.count()? {
            decoder.read_import()?;
        }
        for _ in 0..decoder.reader.count()? {
            decoder.read_data()?;
        }
        decoder.functions_left = decoder.reader.count()?;
        Ok(decoder)
    }

    /// The number of functions that were not read yet.
    pub fn functions_left(&self) -> usize {
        self.functions_left
    }

    /// The module without its functions: imports and data. It is not there any more afterwards.
    pub fn take_module(&mut self) -> Module {
        core::mem::take(&mut self.module)
    }

    /// Decodes the next function into `function`, in whose memory it is built, and says who may refer to it. `None` when there is
    /// no further one.
    ///
    /// # Errors
    /// The first thing that is wrong with it; `function` has parts of it then. Nothing behind it can be decoded. Behind the last
    /// function, whatever follows it.
    pub fn read_function(
        &mut self,
        function: &mut Function,
    ) -> Result<Option<Linkage>, DecodeError> {
        let Some(left) = self.functions_left.checked_sub(1) else {
            self.reader.finish()?;
            return Ok(None);
        };
        self.functions_left = left;
        function.clear();
        let flags = self.reader.known("flag of a function", |byte| {
            (byte & !(IS_LOCAL | HAS_LOCATIONS | HAS_STACK_LIMIT) == 0).then_some(byte)
        })?;
        function.name = self.reader.name()?;
        self.reader.signature(&mut function.signature)?;
        declarations::read(&mut self.reader, function, flags & HAS_STACK_LIMIT != 0)?;
        body::read(&mut self.reader, function, flags & HAS_LOCATIONS != 0)?;
        Ok(Some(linkage_from_bit(flags & IS_LOCAL != 0)))
    }

    fn read_header(&mut self) -> DecodeResult<()> {
        let magic = self.reader.bytes(MAGIC.len())?;
        if magic != MAGIC {
            return Err(self.reader.error(DecodeErrorKind::NotBinary));
        }
        match self.reader.byte()? {
            VERSION => Ok(()),
            version => Err(self.reader.error(DecodeErrorKind::Version(version))),
        }
    }

    /// ```text
    /// import ::= 0 name | 1 name signature
    /// ```
    fn read_import(&mut self) -> DecodeResult<()> {
        let is_function = self.reader.known("kind of import", |byte| match byte {
            IMPORTED_DATA => Some(false),
            IMPORTED_FUNCTION => Some(true),
            _ => None,
        })?;
        let name = self.reader.name()?;
        let mut kind = ImportKind::Data;
        if is_function {
            let mut signature = Signature::new(CallConv::default());
            self.reader.signature(&mut signature)?;
            kind = ImportKind::Function(signature);
        }
        let added = self.module.add_import(Import { name, kind });
        added.map_err(|error| self.module_error(error))
    }

    /// ```text
    /// data    ::= kind name (size | length bytes zeros relocs)
    /// ```
    ///
    /// Zeroed data has nothing but its size. Other has so many zeros behind its bytes.
    fn read_data(&mut self) -> DecodeResult<()> {
        let (kind, linkage, alignment) = self.reader.known("kind of data", data_from_byte)?;
        let name = self.reader.name()?;
        let mut data = if kind == DataKind::Zeroed {
            DataObject::zeroed(name, alignment, self.reader.u32()?)
        } else {
            let len = self.reader.count()?;
            let bytes = self.reader.bytes(len)?;
            let bytes = self.reader.allocate(|heap| heap.copy(bytes))?;
            DataObject::new(name, kind, alignment, bytes)
        };
        data.linkage = linkage;
        if kind != DataKind::Zeroed {
            let zeros = self.reader.u32()?;
            let size = data.size.checked_add(zeros);
            data.size = size.ok_or_else(|| self.reader.error(DecodeErrorKind::BadNumber))?;
            data.relocs = self.read_relocs()?;
        }
        let added = self.module.add_data(data);
        added.map_err(|error| self.module_error(error))?;
        Ok(())
    }

    /// ```text
    /// reloc ::= gap name addend
    /// ```
    ///
    /// The gap is what lies between its first byte and that of the one before.
    fn read_relocs(&mut self) -> DecodeResult<Vec<DataReloc>> {
        let count = self.reader.count_of(3)?;
        let mut relocs = self.reader.allocate(|heap| heap.vec(count))?;
        let mut offset = 0_u32;
        for _ in 0..count {
            let next = offset.checked_add(self.reader.u32()?);
            offset = next.ok_or_else(|| self.reader.error(DecodeErrorKind::BadNumber))?;
            relocs.push(DataReloc {
                offset,
                target: self.reader.name()?,
                addend: self.reader.i32()?,
            });
        }
        Ok(relocs)
    }

    #[cold]
    fn module_error(&self, error: ModuleError) -> DecodeError {
        self.reader.error(DecodeErrorKind::Module(Box::new(error)))
    }
}
