//! Texts that make the judge work hardest: the longest that is read (131,072 bytes)
//! in every shape, and 1 MB, which is held unread. The benchmark times them, a test
//! counts the work.

/// Their names.
pub(crate) const SHAPES: &[&str] = &[
    "words",
    "statements",
    "nested",
    "quotes",
    "copies",
    "scripts",
    "braces",
    "substitutions",
    "long word",
    "here-documents",
    "parameters",
    "wrappers",
    "carried",
    "loops",
    "code",
    "sql",
    "paths",
    "redirects",
    "functions",
    "megabyte",
];

/// The text of this name.
pub(crate) fn shape(name: &str) -> String {
    match name {
        "words" => "a ".repeat(65_000),
        "statements" => "a;".repeat(65_000),
        "nested" => "$(".repeat(65_000),
        "quotes" => "'\"".repeat(65_000),
        "copies" => "x=".to_owned() + &"a ".repeat(32_000) + &";echo $x".repeat(8_000),
        "scripts" => "x='".to_owned() + &"a;".repeat(32_000) + "'" + &";eval $x".repeat(8_000),
        "braces" => "echo ".to_owned() + &"{a,b}".repeat(26_000),
        "substitutions" => "echo $(echo a) ".repeat(8_600),
        "long word" => "echo ".to_owned() + &"a".repeat(131_000),
        "here-documents" => "cat <<E\na\nE\n".repeat(10_000),
        "parameters" => "${x:-".repeat(26_000),
        "wrappers" => "sudo ".repeat(26_000) + "ls",
        "carried" => "unknown ".to_owned() + &"'rm -rf /srv' ".repeat(9_000),
        "loops" => "for a in {1..500}; do for b in {1..500}; do ls; done; done;".repeat(2_000),
        "code" => "python3 -c \"".to_owned() + &"os.system('ls');".repeat(8_000) + "\"",
        "sql" => "psql -c \"".to_owned() + &"DELETE FROM a WHERE b = 1;".repeat(5_000) + "\"",
        "paths" => "rm ".to_owned() + &"/a/b ".repeat(26_000),
        "redirects" => "ls ".to_owned() + &">/a/b ".repeat(21_000),
        "functions" => "f(){ g;g;g;};g(){ h;h;h;};h(){ f;f;f;};".to_owned() + &"f;".repeat(60_000),
        _ => "ls ".repeat(350_000),
    }
}
