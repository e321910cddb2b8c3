//! Whatever goes wrong at the broker, the functions end where an undisturbed run ends when only the way was disturbed,
//! and in a state that adds up and that `sentinel status` names when the broker itself did something else.

mod orders;
mod paused;
mod support;
mod told_late;
mod wire;
