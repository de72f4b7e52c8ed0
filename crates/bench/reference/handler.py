"""Step 6 as it would be in Python: the calls of a look at a test that has ended, in their order.

`make bench` holds the functions against it; it is never deployed.
"""

import functools
import json
import os
import time

import boto3
import urllib3

EC2, SSM, LAMBDA = (boto3.client(service) for service in ("ec2", "ssm", "lambda"))
HTTPS = urllib3.PoolManager(ca_certs=os.environ["AWS_CA_BUNDLE"])


def snapshot(identifier):
    return EC2.describe_snapshots(SnapshotIds=[identifier])["Snapshots"][0]


def handle(event, context):
    test = SSM.get_command_invocation(
        CommandId=event["test_command_id"], InstanceId=event["dev_ib_backup_instance_id"]
    )
    result = json.loads(test["StandardOutputContent"].splitlines()[-1])
    sent = SSM.list_commands(CommandId=event["test_command_id"])["Commands"][0]
    volume = EC2.describe_volumes(VolumeIds=[event["volume_id"]])["Volumes"][0]
    evidence = sent["Parameters"]["runId"], sent["Parameters"]["volumeId"], volume["SnapshotId"]
    if evidence != ([event["run_id"]], [event["volume_id"]], event["snapshot_id"]):
        raise RuntimeError(f"the command is of another test: {evidence}")
    found = snapshot(event["snapshot_id"])
    tags = {
        "DBBackupValid": str(result["valid"]),
        "DBBackupCheckedAt": test["ExecutionEndDateTime"],
        "DBBackupCheckRun": event["run_id"],
        "DBBackupCheckDetail": f"{result['tables']} tables, {result['rows']} rows",
    }
    EC2.create_tags(
        Resources=[found["SnapshotId"]],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    written = {tag["Key"]: tag["Value"] for tag in snapshot(event["snapshot_id"])["Tags"]}
    if written["DBBackupCheckRun"] != event["run_id"]:
        raise RuntimeError("the verdict is not seen on the snapshot")
    report(float(result["valid"]))
    event["because"] = "verdict"
    LAMBDA.invoke(
        FunctionName=context.function_name,
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )


@functools.cache
def api_key():
    name = os.environ["DD_API_KEY_SSM_NAME"]
    return SSM.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def report(valid):
    tags = [f"env:{os.environ['ENVIRONMENT']}", f"source:{os.environ['PRODUCTION_INSTANCE_NAME']}"]
    series = {
        "metric": "infobright_backup_valid",
        "type": 3,
        "points": [{"timestamp": int(time.time()), "value": valid}],
        "tags": tags,
    }
    reply = HTTPS.request(
        "POST",
        os.environ["DD_URL"] + "/api/v2/series",
        body=json.dumps({"series": [series]}),
        headers={"DD-API-KEY": api_key(), "Content-Type": "application/json"},
    )
    if reply.status != 202 or json.loads(reply.data)["errors"]:
        raise RuntimeError(f"Datadog answered {reply.status}: {reply.data[:200]}")
