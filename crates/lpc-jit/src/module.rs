//! Modules that are compiled and loaded.

use crate::code_memory::{CodeMemory, Region};
use crate::error::{CallError, SignatureError};
use crate::execute::{Execute, WordCall};
use crate::function::TypedFunction;
use crate::types::FunctionType;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use lpc_codegen::MemoryUse;
use lpc_codegen::backend::transfer::Garbage;
use lpc_codegen::isa::riscv32::abi::abi_signature;
use lpc_link::{ImageMap, Location, Sections};
use lpc_lpir::ir::{DataValue, ExternalName, Linkage, Signature, SourceLoc, TrapCode};

/// A module in executable memory, which it gives back when it is dropped.
pub struct JitModule<M: CodeMemory> {
    pub(crate) memory: OwnedRegion<M>,
    pub(crate) executor: M::Executor,
    pub(crate) map: ImageMap,
    /// The signatures of the exported functions, by their offsets, in ascending order.
    pub(crate) signatures: Vec<(u32, Signature)>,
    /// The most that compiling one of the functions took.
    pub(crate) compile_memory: MemoryUse,
}

impl<M: CodeMemory> JitModule<M> {
    /// What is where in memory: functions, data, traps.
    pub fn map(&self) -> &ImageMap {
        &self.map
    }

    /// The bytes that the module takes in the code memory.
    pub fn memory_size(&self) -> u32 {
        self.memory.region().size()
    }

    /// The heap that compiling the functions took, and the routines that they call: in each pass, that of the one which took the most.
    pub fn compile_memory(&self) -> &MemoryUse {
        &self.compile_memory
    }

    /// The signature of the exported function `name`.
    pub fn signature(&self, name: &ExternalName) -> Option<&Signature> {
        Some(self.find(name)?.1)
    }

    /// The address of the exported function or data object `name`. It means nothing any more when the module is dropped.
    pub fn address_of(&self, name: &ExternalName) -> Option<u32> {
        let symbol = self.map.find(name)?;
        let is_exported = symbol.linkage == Linkage::Export;
        is_exported.then(|| self.map.address_of_symbol(symbol))
    }

    /// The address and the signature of the exported function `name`.
    fn find(&self, name: &ExternalName) -> Option<(u32, &Signature)> {
        let symbol = self.map.find(name)?;
        let index = self
            .signatures
            .binary_search_by_key(&symbol.offset, |(offset, _)| *offset)
            .ok()?;
        Some((
            self.map.address_of_symbol(symbol),
            &self.signatures[index].1,
        ))
    }

    /// Why the instruction at `address` traps, if it is one of this module that may: for a trap handler, with what `mepc` holds.
    pub fn trap_at(&self, address: u32) -> Option<TrapCode> {
        self.map.trap_at(address)
    }

    /// The function that the instruction at `address` is in, if that is one of this module, and how far from its start.
    pub fn locate(&self, address: u32) -> Option<Location<'_>> {
        self.map.locate(address)
    }

    /// Where in the source the instruction at `address` comes from, if that is known.
    pub fn srcloc_at(&self, address: u32) -> Option<SourceLoc> {
        self.map.srcloc_at(address)
    }
}

impl<M: CodeMemory<Executor: Execute>> JitModule<M> {
    /// The exported function `%name`, to be called as one of the type `F`, such as `fn(i32, i32) -> i32`.
    ///
    /// Its arguments and results are integers of 8 to 64 bits, where C passes them. The sign of a Rust type means nothing but how a narrow
    /// argument is extended, where the function relies on that.
    ///
    /// # Errors
    /// When there is no such function, or when it cannot be called so.
    pub fn function<F: FunctionType>(
        &self,
        name: &str,
    ) -> Result<TypedFunction<'_, F, M::Executor>, SignatureError> {
        self.function_named(&ExternalName::symbol(name))
    }

    /// As [`Self::function`], by a name of any kind.
    ///
    /// # Errors
    /// When there is no such function, or when it cannot be called so.
    pub fn function_named<F: FunctionType>(
        &self,
        name: &ExternalName,
    ) -> Result<TypedFunction<'_, F, M::Executor>, SignatureError> {
        let address = self.checked_address(name, &F::SIGNATURE)?;
        Ok(TypedFunction::new(address, self.executor.clone()))
    }

    fn checked_address(
        &self,
        name: &ExternalName,
        requested: &crate::types::CSignature,
    ) -> Result<u32, SignatureError> {
        let Some((address, signature)) = self.find(name) else {
            return Err(SignatureError::UnknownFunction(name.clone()));
        };
        match requested.can_call(signature) {
            Ok(true) => Ok(address),
            Ok(false) => Err(SignatureError::Mismatch {
                name: name.clone(),
                signature: signature.clone(),
                requested: *requested,
            }),
            Err(reason) => Err(SignatureError::NotC {
                name: name.clone(),
                signature: signature.clone(),
                reason,
            }),
        }
    }

    /// Calls the exported function `name`, of any signature and convention, with values.
    ///
    /// # Errors
    /// When there is no such function, when the arguments are not of its types, and when it does not return.
    pub fn call(
        &self,
        name: &ExternalName,
        arguments: &[DataValue],
    ) -> Result<Vec<DataValue>, CallError<<M::Executor as Execute>::Error>> {
        let Some((address, signature)) = self.find(name) else {
            return Err(CallError::UnknownFunction(name.clone()));
        };
        let types = signature.params.iter().map(|param| param.value_type);
        if !types.clone().eq(arguments.iter().map(|value| value.ty())) {
            return Err(CallError::BadArguments(types.collect()));
        }
        let abi = abi_signature(signature).map_err(CallError::Signature)?;
        // The same garbage for each call, so that a call gives the same whatever was called before.
        let mut call = WordCall::new(&abi, arguments, &mut Garbage::new());
        self.executor
            .call_words(address, &mut call)
            .map_err(CallError::Execution)?;
        Ok(call.results(&abi))
    }
}

impl<M: CodeMemory> fmt::Debug for JitModule<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JitModule").field("map", &self.map).finish()
    }
}

/// A region of a memory, which is given back when this is dropped.
pub(crate) struct OwnedRegion<M: CodeMemory> {
    memory: Rc<RefCell<M>>,
    /// `None` only while it moves.
    region: Option<Region>,
}

impl<M: CodeMemory> OwnedRegion<M> {
    /// The largest region that can be had.
    pub(crate) fn largest(memory: &Rc<RefCell<M>>) -> Option<Self> {
        let region = {
            let mut memory = memory.borrow_mut();
            let size = memory.largest_free();
            memory.allocate(size, 1)?
        };
        Some(Self {
            memory: memory.clone(),
            region: Some(region),
        })
    }

    pub(crate) fn region(&self) -> &Region {
        self.region.as_ref().expect("the region is not moving")
    }

    /// What `write` gives for the bytes of the region.
    pub(crate) fn write<R>(&mut self, write: impl FnOnce(&mut [u8]) -> R) -> R {
        write(self.memory.borrow_mut().write_view(self.region()))
    }

    /// As [`CodeMemory::settle`].
    pub(crate) fn settle(mut self, size: u32, alignment: u32) -> Option<Self> {
        let region = self.region.take().expect("the region is not moving");
        let settled = self.memory.borrow_mut().settle(region, size, alignment);
        self.region = settled;
        self.region.is_some().then_some(self)
    }

    pub(crate) fn publish(&mut self, sections: &Sections) {
        self.memory.borrow_mut().publish(self.region(), sections);
    }
}

impl<M: CodeMemory> Drop for OwnedRegion<M> {
    fn drop(&mut self) {
        if let Some(region) = self.region.take() {
            self.memory.borrow_mut().free(region);
        }
    }
}
