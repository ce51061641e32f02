//! Homes and stores in one method, for those who want to move rows and not to write a connector.
//!
//! Whoever can say [`ReadBatches::read_batches`] has a home ([`SimpleHome`]): one split, read once, so that its retry is a
//! new run. Whoever can say [`WriteBatches::write`] has a store without staging ([`SimpleStore`]): one split at a time, no
//! retry, no receipts, and a plan that says "at least once; half a load may be seen".
//!
//! What these cannot do (splits side by side, retries, watermarks, a load that is seen whole or not at all) takes the
//! traits themselves: [`crate::home::Home`] and [`crate::store::Store`].

mod home;
mod lock;
mod store;
mod unstaged;

pub use self::home::{ReadBatches, Reader, SimpleHome, chosen, only_all, the_one_split};
pub use self::store::{SimpleStore, WriteBatches};
pub use self::unstaged::{Sink, Unstaged, UnstagedStore};
