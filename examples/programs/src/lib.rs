//! Small programs, one idea each: see `src/bin`.
