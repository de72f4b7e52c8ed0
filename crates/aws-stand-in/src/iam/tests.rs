use serde_json::json;

use super::*;

fn role(statements: &Value) -> anyhow::Result<Role> {
    Role::read(
        "r",
        &[json!({"Version": "2012-10-17", "Statement": statements})],
    )
}

fn allow(action: &str, resource: &str, condition: &Value) -> Role {
    role(&json!([{"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}]))
        .unwrap()
}

#[test]
fn denied_unless_allowed() {
    let role = allow("ec2:DeleteVolume", "arn:x:volume/*", &json!({}));
    let decide = |action, resource| role.allows(&Request::new(action, resource));
    assert_eq!(
        decide("ec2:DeleteVolume", "arn:x:volume/v"),
        Decision::Allowed
    );
    assert_eq!(
        decide("EC2:deletevolume", "arn:x:volume/v"),
        Decision::Allowed
    );
    assert_eq!(
        decide("ec2:DeleteVolumes", "arn:x:volume/v"),
        Decision::NotAllowed
    );
    assert_eq!(
        decide("ec2:DeleteVolume", "arn:x:snapshot/v"),
        Decision::NotAllowed
    );
    assert_eq!(
        decide("ec2:DeleteVolume", "ARN:x:volume/v"),
        Decision::NotAllowed
    );
    assert_eq!(decide("ec2:DeleteVolume", "*"), Decision::NotAllowed);
}

#[test]
fn deny_wins_wherever_it_stands() {
    let allow = json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"});
    let deny = json!({"Effect": "Deny", "Action": ["ec2:DeleteVolume"], "Resource": ["*"]});
    for statements in [json!([allow, deny]), json!([deny, allow])] {
        let role = role(&statements).unwrap();
        let delete = Request::new("ec2:DeleteVolume", "v");
        assert_eq!(role.allows(&delete), Decision::Denied);
        assert!(role.refusal("f", &delete).contains("explicit deny"));
        let describe = Request::new("ec2:DescribeVolumes", "*");
        assert_eq!(role.allows(&describe), Decision::Allowed);
    }
}

#[test]
fn string_equals_wants_the_one_value() {
    let role = allow(
        "a:B",
        "*",
        &json!({"StringEquals": {"ec2:ResourceTag/Name": ["x", "y*"]}}),
    );
    let bare = Request::new("a:B", "r");
    let decide = |request: &Request| role.allows(request) == Decision::Allowed;
    assert!(!decide(&bare));
    assert!(decide(&bare.clone().with("ec2:ResourceTag/Name", "x")));
    assert!(decide(&bare.clone().with("ec2:resourcetag/name", "y*")));
    assert!(!decide(&bare.clone().with("ec2:ResourceTag/Name", "yes")));
    assert!(!decide(&bare.clone().with("ec2:ResourceTag/Other", "x")));
    let twice = bare.with("ec2:ResourceTag/Name", "x");
    assert!(!decide(&twice.with("ec2:ResourceTag/Name", "z")));
}

#[test]
fn all_conditions_must_hold() {
    let both = json!({"StringLike": {"k": "a*c"}, "Bool": {"b": "true"}});
    let role = allow("a:B", "*", &both);
    let decide = |k, b| {
        let request = Request::new("a:B", "r").with("k", k).with("b", b);
        role.allows(&request) == Decision::Allowed
    };
    assert!(decide("abbc", "true"));
    assert!(decide("ac", "True"));
    assert!(!decide("abb", "true"));
    assert!(!decide("abc", "false"));
}

#[test]
fn for_all_values_lets_no_other_value_through() {
    let role = allow(
        "a:B",
        "*",
        &json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["x", "y"]}}),
    );
    let bare = Request::new("a:B", "r");
    let x = bare.clone().with("aws:TagKeys", "x");
    assert_eq!(role.allows(&bare), Decision::Allowed);
    assert_eq!(role.allows(&x), Decision::Allowed);
    assert_eq!(
        role.allows(&x.with("aws:TagKeys", "z")),
        Decision::NotAllowed
    );
}

#[test]
fn null_asks_whether_a_key_is_there() {
    let role = |value: &str| allow("a:B", "*", &json!({"Null": {"aws:TagKeys": value}}));
    let bare = Request::new("a:B", "r");
    let tagged = bare.clone().with("aws:TagKeys", "x");
    assert_eq!(role("false").allows(&bare), Decision::NotAllowed);
    assert_eq!(role("false").allows(&tagged), Decision::Allowed);
    assert_eq!(role("true").allows(&bare), Decision::Allowed);
    assert_eq!(role("true").allows(&tagged), Decision::NotAllowed);
}

#[test]
fn what_is_not_modelled_is_refused() {
    let base = json!({"Effect": "Allow", "Action": "a:B", "Resource": "*"});
    assert!(role(&json!([base])).is_ok());
    for (key, value) in [
        ("NotAction", json!("a:C")),
        ("Effect", json!("Permit")),
        ("Condition", json!({"StringNotEquals": {"k": "v"}})),
        (
            "Condition",
            json!({"StringEquals": {"k": "${aws:username}"}}),
        ),
        ("Resource", json!("arn:aws:s3:::b/${aws:username}")),
    ] {
        let mut statement = base.clone();
        statement[key] = value;
        assert!(role(&json!([statement])).is_err(), "{statement}");
    }
    let old = json!({"Version": "2008-10-17", "Statement": []});
    assert!(Role::read("r", &[old]).is_err());
}

#[test]
fn a_refusal_reads_as_aws_words_it() {
    let role = allow("a:B", "*", &json!({}));
    assert_eq!(
        role.refusal("f", &Request::new("ec2:DeleteVolume", "arn:v")),
        "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: \
         ec2:DeleteVolume on resource: arn:v because no identity-based policy allows the \
         ec2:DeleteVolume action"
    );
}

#[test]
fn one_action_can_be_taken_away() {
    let statements = json!([
        {"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "r"},
        {"Effect": "Allow", "Action": "a:B", "Resource": ["s", "t"]},
        {"Effect": "Deny", "Action": "a:D", "Resource": "*"},
    ]);
    let role = role(&statements).unwrap();
    let listed = |action: &str, resources: &[&str]| {
        (
            action.to_owned(),
            resources.iter().map(ToString::to_string).collect(),
        )
    };
    let all = [
        listed("a:B", &["r"]),
        listed("a:C", &["r"]),
        listed("a:B", &["s", "t"]),
    ];
    assert_eq!(role.actions(), all);
    let grant = |action: &str, resource: &str| (action.to_owned(), resource.to_owned());
    let grants = [
        grant("a:B", "r"),
        grant("a:C", "r"),
        grant("a:B", "s"),
        grant("a:B", "t"),
    ];
    assert_eq!(role.grants(), grants);
    let less = role.without(2);
    assert_eq!(less.allows(&Request::new("a:B", "s")), Decision::NotAllowed);
    assert_eq!(less.allows(&Request::new("a:B", "t")), Decision::Allowed);
    assert_eq!(less.allows(&Request::new("a:D", "s")), Decision::Denied);
}

#[test]
fn wildcards() {
    for (pattern, text) in [
        ("*", ""),
        ("a*", "a"),
        ("a*c", "abcbc"),
        ("a?c", "abc"),
        ("*:volume/*", "arn:aws:ec2:::volume/vol-1"),
        ("a**", "ab"),
    ] {
        assert!(matches(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("", "a"),
        ("a", ""),
        ("a?", "a"),
        ("a*c", "abcb"),
        ("?", ""),
    ] {
        assert!(!matches(pattern, text), "{pattern} {text}");
    }
}
