//! `hygge verify`: homes, places and receipts, compared.

use hygge_core::coordinator::expand;
use hygge_core::flow::verify_entity;

use super::args::{Everywhere, Select};
use super::session::{self, Session};
use super::stop::{Stop, exit_code};
use crate::report;
use crate::report::verified::{Shown, screen};

pub(super) fn run(everywhere: &Everywhere, typed: &Select) -> Result<u8, Stop> {
    let session = Session::open(everywhere, typed, &session::overrides(typed))?;
    let ctx = session.looking()?;
    let mut all = Vec::new();
    let mut code = 0;
    for flow in &session.flows {
        for spec in expand(&ctx, flow)? {
            ctx.cancel.check()?;
            let found = verify_entity(&ctx, &spec);
            code = code.max(match &found {
                Ok(verified) => u8::from(!verified.holds()),
                Err(error) => exit_code(error),
            });
            all.push(Shown { owner: spec.owner, found });
        }
    }
    ctx.cancel.check()?;
    report::out(&screen(&all, &session.advisor, report::width()));
    // What could not be compared was no refusal of the command as a whole.
    Ok(if code == 2 { 1 } else { code })
}
