//! Judges one command and prints the tree: `cargo run --example judge -- 'CMD'`.

use countersign_effects::command::{Facts, judge_command};

fn main() {
    let text = std::env::args().nth(1).unwrap_or_default();
    let facts = Facts {
        cwd: Some("/home/dev/shop".to_owned()),
        home: Some("/home/dev".to_owned()),
        project_root: Some("/home/dev/shop".to_owned()),
        ..Facts::default()
    };
    let reading = judge_command(&text, &facts);
    print!("{}", reading.render());
    println!("{}", reading.danger().as_str());
}
