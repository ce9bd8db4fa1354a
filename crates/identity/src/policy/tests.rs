use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn auth(user: &str, project: &str, roles: &[&str]) -> Auth {
    Auth {
        user_id: user.into(),
        user_name: user.into(),
        project_id: project.into(),
        project_name: project.into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        expires_at: Timestamp::MAX,
    }
}

const TARGET: PolicyTarget<'_> = PolicyTarget { project_id: "p", user_id: "owner" };

fn read(text: &str) -> Policy {
    Policy::read(text).unwrap().0
}

/// Whether this rule allows the owner, a member of p.
fn holds(rule: &str) -> bool {
    let policy = read(&format!("\"cluster:get\": '{}'", rule.replace('\'', "''")));
    policy.enforce("cluster:get", &auth("owner", "p", &["Member", "reader"]), TARGET).is_ok()
}

#[test]
fn all_default_rules_can_be_read_and_lead_somewhere() {
    let names: BTreeSet<&str> = DEFAULT_RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), DEFAULT_RULES.len(), "a name is there twice");
    for rule in DEFAULT_RULES {
        assert!(parse(rule.check).is_ok(), "{}", rule.name);
        assert!(!rule.about.is_empty(), "{}", rule.name);
    }
    let (policy, warnings) = Policy::read("").unwrap();
    assert_eq!((policy, warnings), (Policy::default(), Vec::new()));
}

#[test]
fn roles_open_what_the_contract_says() {
    let policy = Policy::default();
    let callers = [
        auth("other", "p", &["reader"]),
        auth("other", "p", &["member", "reader"]),
        auth("owner", "p", &["member", "reader"]),
        auth("other", "q", &["admin"]),
        auth("owner", "q", &["member", "reader"]),
        auth("owner", "p", &[]),
    ];
    for (rule, expected) in [
        ("cluster:get", [true, true, true, true, false, false]),
        ("bay:get", [true, true, true, true, false, false]),
        ("cluster:create", [false, true, true, true, false, false]),
        ("baymodel:create", [false, true, true, true, false, false]),
        ("cluster:delete", [false, true, true, true, false, false]),
        ("cluster:delete_all_projects", [false, false, false, true, false, false]),
        ("cluster:update_health_status", [false, false, true, true, false, false]),
        ("clustertemplate:publish", [false, false, false, true, false, false]),
        ("certificate:get", [false, false, true, true, false, false]),
        ("certificate:create", [false, false, true, true, false, false]),
        ("certificate:rotate_ca", [false, true, true, true, false, false]),
        ("credential:rotate", [false, true, true, false, false, false]),
        ("quota:get", [true, true, true, true, false, false]),
        ("quota:get_all", [false, false, false, true, false, false]),
        ("magnum-service:get_all", [false, false, false, true, false, false]),
        ("federation:create", [false, true, true, true, false, false]),
        ("container:execute", [false, true, true, true, false, false]),
        ("node:get", [true, true, true, true, false, false]),
        ("cluster:sing", [false; 6]),
        ("nonsense", [false; 6]),
    ] {
        let found: Vec<bool> = callers.iter().map(|caller| policy.enforce(rule, caller, TARGET).is_ok()).collect();
        // Certificates are only for the user who created the cluster; a reader may only read.
        assert_eq!(found, expected, "{rule}");
    }
}

#[test]
fn the_language_means_what_it_means_elsewhere() {
    for yes in [
        "",
        "   ",
        "@",
        "role:member",
        "role:MEMBER",
        "not role:admin",
        "not not role:member",
        "NOT role:admin AND role:member",
        "project_id:%(project_id)s",
        "user_id:%(user_id)s",
        "user_id:owner",
        "is_admin:False",
        "roles:reader",
        "rule:project_member",
        "role:admin or role:member and role:reader",
        "(role:admin or role:member) and (role:reader)",
        "((role:member))",
        "'owner':%(user_id)s",
        "\"owner\":%(user_id)s",
        "True:True",
        "5:5",
        "'p-owner':%(project_id)s-%(user_id)s",
        "'100%':100%%",
    ] {
        assert!(holds(yes), "{yes}");
    }
    for no in [
        "!",
        "role:admin",
        "role:member and role:admin",
        "not (role:member or role:admin)",
        "role:admin and role:member or role:admin and role:reader",
        "role:%(project_id)s",
        "user_id:Owner",
        "tenant:%(project_id)s",
        "project_id:%(tenant)s",
        "not @",
        "rule:context_is_admin",
        "True:true",
    ] {
        assert!(!holds(no), "{no}");
    }
}

#[test]
fn what_is_no_rule_says_where_it_is_not() {
    for (text, position, words) in [
        ("role", 1, "not a check"),
        ("role:", 1, "nothing follows"),
        (":x", 1, "nothing precedes"),
        ("role:a role:b", 8, "'and' or 'or' is missing"),
        ("role:a and", 11, "missing at the end"),
        ("and role:a", 1, "before 'and'"),
        ("role:a or or role:b", 11, "before 'or'"),
        ("(role:a", 1, "not closed"),
        ("role:a)", 7, "no matching '('"),
        ("()", 2, "before ')'"),
        ("role:%(x", 1, "must begin an attribute"),
        ("role:50%", 1, "must begin an attribute"),
        ("'a:b", 1, "not closed"),
        ("a/b:c", 1, "not an attribute of a caller"),
        ("role:b or  http://policy/x", 12, "another server"),
        ("not", 4, "missing at the end"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
    assert!(parse(&"(".repeat(10_000)).is_err());
    assert!(parse(&"not ".repeat(4_000)).is_err());
    assert!(parse(&"role:a or ".repeat(10_000)).is_err());
}

#[test]
fn the_lists_of_old_are_read() {
    let lists = |text: &str| {
        let policy = read(&format!("\"cluster:get\": {text}"));
        policy.rules["cluster:get"].expression.to_string()
    };
    assert_eq!(lists("[]"), "@");
    assert_eq!(lists("[[]]"), "!");
    assert_eq!(lists(r#"["role:admin"]"#), "role:admin");
    assert_eq!(
        lists(r#"[["role:admin"], ["role:member", "project_id:%(project_id)s"]]"#),
        "role:admin or role:member and project_id:%(project_id)s"
    );
    assert_eq!(lists("\n  - - \"role:a\"\n    - \"!\"\n  - \"@\"\n"), "role:a and ! or @");
    for bad in [r#"["role:a or role:b"]"#, r#"["not role:a"]"#, r#"[["role:a", ["role:b"]]]"#, r#"[{"a": "b"}]"#] {
        assert!(Policy::read(&format!("\"cluster:get\": {bad}")).is_err(), "{bad}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_named_with_line_and_rule() {
    for (text, expected) in [
        ("# mine\n\"cluster:get\": \"role:\"\n", "f:2: cluster:get: nothing follows 'role:' (at character 1)"),
        ("a: \"@\"\n\nb:\n", "f:3: b: is empty"),
        ("a: \"rule:b\"\n", "f:1: a: refers to the rule b, which does not exist"),
        ("a: \"@\"\na: \"!\"\n", "f:2: a: is defined twice"),
        (
            "x: \"@\"\na: \"rule:b\"\nb: \"not rule:c\"\nc: \"@ or rule:a\"\n",
            "f:2: a: refers to itself: a -> b -> c -> a",
        ),
        ("context_is_admin: \"is_admin:True\"\n", "f:1: context_is_admin: refers to itself"),
        ("default: \"rule:nope\"\n", "refers to itself"),
        ("- a\n- b\n", "f:1: the file must have lines"),
        ("a: {b: c}\n", "f:1: a: must be a text"),
        ("[a]: \"@\"\n", "the name of a rule must be a text"),
        ("a: \"@\n", "this is not YAML"),
        ("a: \"@\"\n---\nb: \"@\"\n", "only one YAML document"),
        ("a: &x \"@\"\nb: *x\n", "f:2: b: must be a text"),
    ] {
        let problems = Policy::read(text).unwrap_err();
        let told = PolicyError { file: "f".to_owned(), problems }.to_string();
        assert!(told.contains(expected), "{text:?}: {told}");
    }
    let both = Policy::read("a: \"(\"\nb: \"@\"\nc: \")\"\n").unwrap_err();
    assert_eq!(both.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(1), Some(3)], "all are told at once");
}

#[test]
fn rules_that_would_take_for_ever_are_refused() {
    let doubling: String = (0..40).map(|n| format!("r{n}: \"rule:r{} and rule:r{}\"\n", n + 1, n + 1)).collect();
    assert!(Policy::read(&format!("{doubling}r40: \"role:a\"\n")).is_err());
    let chain: String = (0..50_000).map(|n| format!("r{n}: \"rule:r{}\"\n", n + 1)).collect();
    assert!(Policy::read(&format!("{chain}r50000: \"role:a\"\n")).is_err());
    assert!(Policy::read(&format!("a: {}", "[".repeat(100_000))).is_err());
}

#[test]
fn slips_that_do_no_harm_are_warned_about() {
    let text =
        "\"cluster:gett\": \"role:a\"\nmine: \"role:b\"\n\"cluster:get\": \"rule:mine or tenant:%(tenant_id)s\"\n";
    let (_, warnings) = Policy::read(text).unwrap();
    let told: Vec<String> = warnings.iter().map(|warning| warning.in_file("f")).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("f:1: cluster:gett: is used by no request"), "{told:?}");
    assert!(told[1].starts_with("f:3: cluster:get: 'tenant:%(tenant_id)s' never holds: callers have"), "{told:?}");
    assert!(told[2].contains("targets have no tenant_id"), "{told:?}");
}

// Covers: R337.
#[test]
fn an_operator_can_put_another_rule_in_the_place_of_each() {
    let member = auth("owner", "p", &["member", "reader"]);
    for rule in DEFAULT_RULES.iter().filter(|rule| rule.name.contains(':')) {
        for (check, allowed) in [("@", true), ("!", false), ("role:member", true), ("role:nurse", false)] {
            let policy = read(&format!("{:?}: {check:?}", rule.name));
            assert_eq!(policy.enforce(rule.name, &member, TARGET).is_ok(), allowed, "{} {check}", rule.name);
        }
    }
    // Replacing a helper rule changes all rules that refer to it.
    let policy = read("context_is_admin: \"role:operator\"\n");
    assert!(policy.is_admin(&auth("x", "q", &["operator"])) && !policy.is_admin(&auth("x", "q", &["admin"])));
    assert!(policy.enforce("quota:create", &auth("x", "q", &["operator"]), TARGET).is_ok());
    // The fallback for rules that do not exist.
    let policy = read("default: \"role:member\"\n");
    assert!(policy.enforce("nonsense", &member, TARGET).is_ok());
}

// Covers: R337.
#[test]
fn files_of_release_22_and_before_are_read() {
    let policy = read(
        "\"cluster:create\": \"rule:deny_cluster_user\"\n\"certificate:get\": \"rule:admin_or_user or rule:cluster_user\"\n\
         \"certificate:create\": \"rule:cluster_user\"\n",
    );
    let (owner, other) = (auth("owner", "p", &[]), auth("other", "p", &["member"]));
    for (rule, expected) in
        [("cluster:create", [true, true]), ("certificate:get", [true, false]), ("certificate:create", [false, false])]
    {
        assert_eq!([&owner, &other].map(|caller| policy.enforce(rule, caller, TARGET).is_ok()), expected, "{rule}");
    }
}

#[test]
fn a_refusal_says_what_it_would_have_needed() {
    let denied = Policy::default().enforce("cluster:create", &auth("x", "p", &["reader"]), TARGET).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "Policy doesn't allow cluster:create to be performed. It needs role:admin or role:member and \
         project_id:%(project_id)s"
    );
}

#[test]
fn an_answer_is_explained_step_by_step() {
    let policy = Policy::default();
    let explained = policy.explain("bay:get", &auth("x", "q", &["reader"]), TARGET);
    assert!(!explained.allowed);
    assert_eq!(explained.decided_by, "admin_or_project_reader");
    let either = &explained.step.inner[0].inner[0].inner[0];
    assert_eq!(either.text, "rule:context_is_admin or rule:project_reader");
    let reader = &either.inner[1];
    assert_eq!((reader.text.as_str(), reader.holds), ("rule:project_reader", false));
    let project = &reader.inner[0].inner[1];
    assert_eq!(project.why, "the caller's project_id is q, wanted is p");
    let explained = policy.explain("bay:get", &auth("x", "q", &["admin"]), TARGET);
    assert_eq!((explained.allowed, explained.decided_by.as_str()), (true, "context_is_admin"));
    let explained = policy.explain("credential:rotate", &auth("x", "p", &[]), TARGET);
    assert_eq!((explained.allowed, explained.decided_by.as_str()), (false, "project_member"));
    let explained = policy.explain("nope", &auth("x", "p", &["admin"]), TARGET);
    assert_eq!((explained.allowed, explained.step.why.as_str()), (false, "there is no rule of this name"));
}

#[test]
fn a_book_follows_its_file_and_keeps_what_it_has_while_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let nurse = auth("x", "q", &["nurse"]);
    let may = |book: &PolicyBook| book.current().enforce("cluster:get", &nurse, TARGET).is_ok();
    assert!(PolicyBook::open(&path, true).is_err(), "there must be one");
    let book = PolicyBook::open(&path, false).unwrap();
    assert!(!may(&book));
    std::fs::write(&path, "\"cluster:get\": \"role:nurse\"\n").unwrap();
    book.refresh().unwrap();
    assert!(may(&book));
    std::fs::write(&path, "\"cluster:get\": \"role:nobody and\"\n").unwrap();
    let told = book.refresh().unwrap_err().to_string();
    assert!(told.contains("policy.yaml:1: cluster:get"), "{told}");
    assert!(may(&book), "the rules of before hold");
    book.refresh().unwrap();
    std::fs::remove_file(&path).unwrap();
    book.refresh().unwrap();
    assert!(!may(&book));
    std::fs::write(&path, "\"cluster:get\": \"(\"\n").unwrap();
    assert!(PolicyBook::open(&path, false).is_err(), "nothing is served by half a policy");
}

/// Names without a special meaning.
fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_.]{0,8}"
        .prop_filter("has a meaning of its own", |name| !["rule", "role", "http", "https"].contains(&name.as_str()))
}

fn template() -> impl Strategy<Value = Template> {
    let piece = prop_oneof!["[a-zA-Z0-9_%:'(-]{1,6}[a-z]".prop_map(Piece::Text), name().prop_map(Piece::Target)];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
                (_, piece) => joined.push(piece),
            }
        }
        Template(joined)
    })
}

fn expressions() -> impl Strategy<Value = Expression> {
    let left = prop_oneof![
        name().prop_map(Left::Caller),
        "[a-z(\"]{0,6}".prop_map(Left::Text),
        prop_oneof![Just("True"), Just("None"), Just("-1.5"), Just("7")].prop_map(|word| Left::Word(word.to_owned())),
    ];
    let leaf = prop_oneof![
        Just(Expression::Always),
        Just(Expression::Never),
        name().prop_map(|name| Expression::Check(Check::Rule(format!("{name}:get")))),
        template().prop_map(|value| Expression::Check(Check::Role(value))),
        (left, template()).prop_map(|(left, value)| Expression::Check(Check::Same(left, value))),
    ];
    leaf.prop_recursive(6, 48, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::All),
            prop::collection::vec(inner, 2..4).prop_map(Expression::Any),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(expression in expressions()) {
        let text = expression.to_string();
        prop_assert_eq!(parse(&text), Ok(expression), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        if let Ok(expression) = parse(&text) {
            prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
        }
    }

    #[test]
    fn no_words_of_the_language_make_the_parser_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "and", "or", "not", "(", ")", "@", "!", "role:a", "rule:b", "((", "))", "(role:a", "x:%(y)s)", "'", ":", "%",
        ]), 0..40)
    ) {
        let text = words.join(" ");
        if let Ok(expression) = parse(&text) {
            prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
        }
    }

    #[test]
    fn no_file_makes_the_reader_panic(text in "\\PC*|([a-c\"':\\[\\],{}&*|>! \n-]{0,60})") {
        let _ = Policy::read(&text);
    }

    #[test]
    fn an_explanation_says_what_enforcing_does(expression in expressions(), roles in prop::collection::vec("[a-z]{1,3}", 0..3)) {
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        let caller = auth("x", "p", &roles);
        let mut policy = Policy::default();
        policy.rules.insert("mine".to_owned(), Rule { expression, source: Source::Default });
        let allowed = policy.enforce("mine", &caller, TARGET).is_ok();
        prop_assert_eq!(policy.explain("mine", &caller, TARGET).allowed, allowed);
    }
}
