//! The reader on small templates.

use super::*;

const PARAMETERS: &str = "
Parameters:
  Environment: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Seconds: {Type: Number, Default: 15, MinValue: 1, MaxValue: 60}
  Name: {Type: String, Default: '', AllowedPattern: '[a-z]*'}
Resources: {}
";

/// Evaluates one value as an output.
fn value(yaml: &str) -> anyhow::Result<String> {
    let text = format!(
        "{PARAMETERS}
Conditions:
  Named: !Not [!Equals [!Ref Name, '']]
  Dev: !Equals [!Ref Environment, dev]
  Both: !And [!Condition Named, !Condition Dev]
  Either: !Or [!Condition Named, {{Condition: Dev}}]
Outputs: {{V: {{Value: {yaml}}}}}"
    );
    let group = "{G: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: /g}}}";
    let text = text.replace("Resources: {}", &format!("Resources: {group}"));
    Ok(Template::read(&text, &BTreeMap::new())?.outputs["V"].clone())
}

#[test]
fn intrinsics() {
    for (yaml, wanted) in [
        ("!Ref Seconds", "15"),
        ("!Ref AWS::StackName", "ib-backup-dev"),
        ("{Ref: G}", "/g"),
        (
            "!GetAtt G.Arn",
            "arn:aws:logs:us-east-1:000000000000:log-group:/g:*",
        ),
        (
            "{'Fn::GetAtt': [G, Arn]}",
            "arn:aws:logs:us-east-1:000000000000:log-group:/g:*",
        ),
        (
            "!Sub '${Environment} ${AWS::Region} ${!Kept} ${G}'",
            "dev us-east-1 ${Kept} /g",
        ),
        ("!Sub ['${A}-${Environment}', {A: !Ref Seconds}]", "15-dev"),
        ("!If [Named, a, b]", "b"),
        ("!If [Dev, a, b]", "a"),
        ("!If [Both, a, b]", "b"),
        ("!If [Either, a, b]", "a"),
        (
            "!Join ['-', [a, !If [Named, x, !Ref AWS::NoValue], 3, true]]",
            "a-3-true",
        ),
    ] {
        assert_eq!(value(yaml).unwrap(), wanted, "{yaml}");
    }
}

#[test]
fn what_is_not_modelled_is_refused() {
    for yaml in [
        "!Select [1, [a]]",
        "{'Fn::Base64': a}",
        "{'Fn::Sub': a, Other: b}",
        "!Ref Nothing",
        "!Sub '${Nothing}'",
        "!Sub '${Environment'",
        "!GetAtt G.Name",
        "!If [Nothing, a, b]",
        "!Equals [a, b]",
        "!Ref AWS::NoValue",
        "[a]",
    ] {
        assert!(value(yaml).is_err(), "{yaml}");
    }
    assert!(error("Mappings: {}\nResources: {}", &[]).contains("Mappings"));
    let queue = "Resources: {Q: {Type: 'AWS::SQS::Queue'}}";
    assert!(error(queue, &[]).contains("AWS::SQS::Queue is not modelled"));
}

#[test]
fn parameters_are_held_against_their_bounds() {
    assert!(Template::read(PARAMETERS, &BTreeMap::new()).is_ok());
    for (name, value, complaint) in [
        ("Environment", "test", "not one of dev, prod"),
        ("Seconds", "0", "not from"),
        ("Seconds", "61", "not from"),
        ("Seconds", "soon", "not a number"),
        ("Name", "a b", "does not fit"),
        ("Nobody", "x", "no parameter Nobody"),
    ] {
        let error = error(PARAMETERS, &[(name, value)]);
        assert!(error.contains(complaint), "{name}={value}: {error}");
    }
    let bare = "Parameters: {Must: {Type: String}}\nResources: {}";
    assert!(error(bare, &[]).contains("no default"));
    assert!(Template::read(bare, &parameters(&[("Must", "x")])).is_ok());
}

#[test]
fn a_function_gets_the_defaults_of_lambda_and_of_globals() {
    let text = "
Globals: {Function: {Handler: bootstrap, Runtime: provided.al2023, Timeout: 9, MemorySize: 128,
  Environment: {Variables: {A: 1, B: 2}}}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: f}}
    Properties: {FunctionName: f, CodeUri: f, Role: !GetAtt R.Arn, Timeout: 10, Environment: {Variables: {B: 3}}}
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Principal: {Service: lambda.amazonaws.com}}]}
";
    let template = Template::read(text, &BTreeMap::new()).unwrap();
    let function = template.function("f").unwrap();
    assert_eq!(function.timeout, Duration::from_secs(10));
    assert_eq!(function.memory, 128);
    assert_eq!(function.environment, parameters(&[("A", "1"), ("B", "3")]));
    assert!(!function.recursive_loop_allowed);
    assert_eq!(function.maximum_retry_attempts, 2);
    assert_eq!(function.maximum_event_age, Duration::from_hours(6));
    assert_eq!(function.on_failure, None);
    assert_eq!(function.log_group, "/aws/lambda/f");
    assert!(function.role.actions().is_empty());
    assert_eq!(template.schedule, None);

    let unknown = text.replace("Timeout: 10", "Layers: []");
    assert!(error(&unknown, &[]).contains("Layers"));
    let untrusted = text.replace("lambda.amazonaws.com", "ec2.amazonaws.com");
    assert!(error(&untrusted, &[]).contains("may not take this role"));
}
