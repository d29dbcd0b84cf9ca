use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn noted() -> Noted {
    Noted::by("ada", "2026-03-09T10:00:00Z".parse().unwrap())
}

fn incident() -> Incident {
    let started: Timestamp = "2026-03-05T09:10:00Z".parse().unwrap();
    let mut it = Incident::new("INC-1".into(), "checkout: down".into(), started, noted());
    it.services.insert("cart".into());
    it
}

fn empty() -> Coe {
    read("# COE INC-1: x\n", &noted()).unwrap().coe
}

fn filled() -> (Coe, Vec<ActionLine>) {
    let mut coe = empty();
    coe.summary = "Prices were wrong.\n\n# not a heading".into();
    coe.impact = "A fifth of customers, for six hours.".into();
    coe.whys = vec![
        Why {
            question: "Why were prices wrong?".into(),
            answer: "A table was empty.\n\nNobody saw it.".into(),
        },
        Why {
            question: "Why was it empty?".into(),
            answer: String::new(),
        },
    ];
    coe.evidence = vec![
        Exhibit {
            title: "error rate".into(),
            url: Some("https://graphs.example/1".into()),
        },
        Exhibit {
            title: "log of the job".into(),
            url: None,
        },
    ];
    coe.lessons = vec!["An empty table is not a valid price list.".into()];
    coe.related = vec!["INC-0".into()];
    coe.actions = vec!["A-1".into()];
    let actions = vec![
        ActionLine {
            id: Some("A-1".into()),
            title: "refuse an empty table".into(),
            owner: Some("bo".into()),
            due: Some("2026-04-01".parse().unwrap()),
            done: true,
        },
        ActionLine {
            id: None,
            title: "restore drill".into(),
            owner: None,
            due: None,
            done: false,
        },
    ];
    (coe, actions)
}

#[test]
fn a_document_is_written_and_read_back() {
    let (coe, actions) = filled();
    let text = write(&incident(), &coe, &actions);
    insta::assert_snapshot!(text);
    let read = read(&text, &noted()).unwrap();
    assert_eq!(read, Document { coe, actions });
}

#[test]
fn an_empty_one_is_a_template_that_says_nothing() {
    let text = write(&incident(), &empty(), &[]);
    insta::assert_snapshot!(text);
    assert_eq!(read(&text, &noted()).unwrap().coe, empty());
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let errors = |text: &str| {
        let errors = read(text, &noted()).unwrap_err();
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        errors("hello"),
        "line 1: the first line is not `# COE <incident>: <title>`"
    );
    let text = "# COE INC-1: x\n\n## Causes\n\n## Actions\n\n- do it\n- [ ] a | due: soon\n\n## Lessons\nnothing\n";
    insta::assert_snapshot!(errors(text));
}

fn text() -> impl Strategy<Value = String> {
    // What a person may write, with everything that means something here.
    proptest::collection::vec("[ -~#>\\\\|*:.0-9\\[\\]é-]{0,20}", 0..4).prop_map(|lines| {
        lines
            .iter()
            .map(|it| it.trim_end())
            .collect::<Vec<_>>()
            .join("\n")
            .trim()
            .to_owned()
    })
}

fn line() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9 #?!é.]{0,20}".prop_map(|line| line.trim().to_owned())
}

proptest! {
    #[test]
    fn any_text_comes_back(
        summary in text(),
        impact in text(),
        whys in proptest::collection::vec((line(), text()), 0..4),
        lessons in proptest::collection::vec(line(), 0..3),
        actions in proptest::collection::vec((line(), any::<bool>()), 0..3),
    ) {
        let mut coe = empty();
        coe.summary = summary;
        coe.impact = impact;
        coe.lessons = lessons;
        coe.whys = whys.into_iter().map(|(question, answer)| Why { question, answer }).collect();
        let actions: Vec<ActionLine> = actions.into_iter().map(|(title, done)| ActionLine {
            id: None, title, owner: None, due: None, done,
        }).collect();
        let text = write(&incident(), &coe, &actions);
        prop_assert_eq!(read(&text, &noted()), Ok(Document { coe, actions }), "{}", text);
    }

    #[test]
    fn no_text_makes_it_fall_over(text in "(# COE a: b\n)?(## (Actions|Five whys|Lessons)\n)?[ -~\n]{0,80}") {
        let _ = read(&text, &noted());
    }
}
