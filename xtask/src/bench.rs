use crate::error::XtaskResult;
pub(crate) fn run() -> XtaskResult {
    Ok(())
}
