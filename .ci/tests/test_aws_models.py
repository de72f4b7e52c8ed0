"""What the steps ask and what the stand-in answers, against AWS's own service models."""

import copy
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import aws_models

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIMULATE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/simulate"


def recorded():
    """Each request with its answer, of a night of each kind."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([SIMULATE, "--record", file.name], check=True)
        return [json.loads(line) for line in pathlib.Path(file.name).read_text(encoding="utf-8").splitlines()]


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exchanges = [one for one in recorded() if one["service"] in aws_models.SERVICES]

    def one(self, action, status=200, holding=""):
        """An exchange of this operation, to be spoilt."""
        fits = (of for of in self.exchanges if of["action"] == action and of["answer"]["status"] == status
                and holding in of["answer"]["body"])
        return copy.deepcopy(next(fits))

    def test_every_request_and_every_answer_fits(self):
        asked = {of["action"] for of in self.exchanges}
        self.assertLessEqual(
            {"DescribeSnapshots", "DescribeVolumes", "DescribeInstances", "CreateVolume", "AttachVolume", "DetachVolume",
             "DeleteVolume", "CreateTags", "SendCommand", "GetCommandInvocation", "Invoke",
             "DescribeInstanceInformation", "GetFunctionRecursionConfig"}, asked)
        found = sorted({fault for of in self.exchanges for fault in aws_models.of_exchange(of)})
        print(f"\n{len(self.exchanges)} requests with their answers, of {len(asked)} operations: {len(found)} faults")
        self.assertEqual(found, [])

    def test_refusals_are_among_them(self):
        refused = {of["action"] for of in self.exchanges if of["answer"]["status"] >= 400}
        self.assertLessEqual({"CreateVolume", "AttachVolume", "SendCommand", "Invoke", "CreateTags"}, refused)

    def spoilt(self, exchange, side, before, after, wanted):
        body = exchange[side]["body"]
        self.assertIn(before, body)
        exchange[side]["body"] = body.replace(before, after, 1)
        said = aws_models.of_exchange(exchange)
        self.assertTrue(any(wanted in fault for fault in said), (before, after, said))

    def test_a_planted_fault_of_each_kind_is_found_in_a_request(self):
        document = "\"DocumentName\":"
        for action, before, after, wanted in [
            ("SendCommand", document, '"DocumentNam":', "there is no DocumentNam"),
            ("SendCommand", document, '"Documentname":', "DocumentName is missing"),
            ("SendCommand", '"Comment":"', '"Comment":"' + 101 * "x", "where 0 to 100 are allowed"),
            ("SendCommand", '"InstanceIds":["i-', '"InstanceIds":["x-', "does not match"),
            ("SendCommand", '"TimeoutSeconds":', '"TimeoutSeconds":"600","x":', "is no integer"),
            ("GetCommandInvocation", '"CommandId":"', '"CommandId":7,"x":"', "7 is no string"),
            ("CreateVolume", "SnapshotId=", "SnapshotIds=", "there is no SnapshotIds"),
            ("CreateVolume", "AvailabilityZone=", "AvailabilityZones=", "there is no AvailabilityZones"),
            ("CreateVolume", "TagSpecification.1.ResourceType=volume", "TagSpecification.1.ResourceType=volum", "is none of"),
            ("CreateVolume", "TagSpecification.1.Tag.1.", "TagSpecification.1.Tag.9.", "is no list"),
            ("AttachVolume", "VolumeId=", "Volume=", "VolumeId is missing"),
        ]:
            with self.subTest(before):
                self.spoilt(self.one(action), "request", before, after, wanted)
        invoke = self.one("Invoke", 202)
        invoke["request"]["headers"] = [[name, "Events" if text == "Event" else text] for name, text in invoke["request"]["headers"]]
        self.assertTrue(any("is none of" in fault for fault in aws_models.of_exchange(invoke)))

    def test_a_planted_fault_of_each_kind_is_found_in_an_answer(self):
        for action, holding, before, after, wanted in [
            ("GetCommandInvocation", "", '"Status":"', '"Status":"Un', "is none of"),
            ("GetCommandInvocation", "", '"ResponseCode":', '"ResponseCode":"x","y":', "is no integer"),
            ("GetCommandInvocation", "", '"StatusDetails":', '"StatusDetail":', "there is no StatusDetail"),
            ("GetCommandInvocation", "", '"StandardErrorContent":"', '"StandardErrorContent":"' + 8001 * "x", "where 0 to 8000 are allowed"),
            ("GetCommandInvocation", "", '"InstanceId":"i-', '"InstanceId":"j-', "does not match"),
            ("DescribeVolumes", "<size>", "<size>", "<sise>", "cannot read"),
            ("DescribeVolumes", "<status>", "<status>", "<status>un", "is none of"),
            ("DescribeVolumes", "<size>", "<size>", "<size>x", "cannot read"),
            ("DescribeVolumes", "<volumeSet>", "<volumeSet>", "<fast>1</fast><volumeSet>", "there is no fast"),
            ("DescribeSnapshots", "<startTime>", "<startTime>", "<startTime>on ", "is no time"),
        ]:
            with self.subTest(before):
                self.spoilt(self.one(action, holding=holding), "answer", before, after, wanted)

    def test_an_error_that_a_service_does_not_have_is_found(self):
        exchange = self.one("SendCommand", 400)
        exchange["answer"]["body"] = exchange["answer"]["body"].replace("InvalidInstanceId", "InvalidInstanceID.NotFound")
        self.assertTrue(any("no error InvalidInstanceID.NotFound" in fault for fault in aws_models.of_exchange(exchange)))


if __name__ == "__main__":
    unittest.main()
