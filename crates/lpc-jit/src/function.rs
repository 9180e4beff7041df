//! Handles of compiled functions.

use crate::execute::{Execute, NativeCall};
use crate::types::{FunctionType, Results, Value, for_each_arity};
use core::fmt;
use core::marker::PhantomData;

/// A compiled function, to be called as one of the type `F`, such as `fn(i32, i32) -> i32`.
///
/// That it can be has been checked when [`JitModule::function`](crate::JitModule::function) made the handle: a call looks nothing up.
/// On the machine itself it is a call through a pointer. The function is there as long as its module is, and so is the handle.
pub struct TypedFunction<'m, F, X> {
    address: u32,
    executor: X,
    function: PhantomData<F>,
    module: PhantomData<&'m ()>,
}

impl<F, X> TypedFunction<'_, F, X> {
    pub(crate) fn new(address: u32, executor: X) -> Self {
        Self {
            address,
            executor,
            function: PhantomData,
            module: PhantomData,
        }
    }

    /// The address of the function. It means nothing any more when the module is dropped.
    pub fn address(&self) -> u32 {
        self.address
    }
}

impl<F, X: Clone> Clone for TypedFunction<'_, F, X> {
    fn clone(&self) -> Self {
        Self::new(self.address, self.executor.clone())
    }
}

impl<F, X> fmt::Debug for TypedFunction<'_, F, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ty = core::any::type_name::<F>();
        write!(f, "{ty} at {:#010x}", self.address)
    }
}

macro_rules! calls {
    (($($ty:ident $arg:ident),*)) => {
        impl<R: Results, X: Execute, $($ty: Value),*> TypedFunction<'_, fn($($ty),*) -> R, X>
        where
            fn($($ty),*) -> R: FunctionType<Arguments = ($($ty,)*), Results = R> + NativeCall,
        {
            /// Calls the function.
            ///
            /// # Errors
            /// When it does not return.
            #[expect(clippy::too_many_arguments, reason = "as many as the function has")]
            #[allow(clippy::allow_attributes, unfulfilled_lint_expectations, reason = "most have fewer")]
            #[inline]
            pub fn call(&self $(, $arg: $ty)*) -> Result<R, X::Error> {
                self.executor.call::<fn($($ty),*) -> R>(self.address, ($($arg,)*))
            }
        }
    };
}

for_each_arity!(calls);
