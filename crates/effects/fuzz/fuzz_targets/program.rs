//! Programs in every language that is read.

#![no_main]

use countersign_effects::interpreter::{Language, actions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in ["python3", "node", "ruby", "perl", "php", "lua", "go", "Rscript", "elixir", "julia", "groovy"] {
        if let Some(language) = Language::of(name) {
            let _ = actions(text, language);
        }
    }
});
