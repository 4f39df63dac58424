"""The samples of section 7 of the design, as the primary sources have them, with hashes of the right length filled in."""

PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OTHER_PDQ = "e2f1017837246bacc5dea21b648fbfd62f435c89db299a2497667e216c8d055c"
MD5 = "0cc175b9c0f1b6a831c399e269772661"
SHA1 = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
SHA256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

SIGNAL_LINE = f"pdq {PDQ}\n"
DATASET = f"signal_type,signal_str,collab,category,tags\npdq,{PDQ},Example Group,POSITIVE_CLASS,tvec violent_extremism\n"
VPDQ_TEXT = f"0,100,{OTHER_PDQ},0.000\n"
VPDQ_JSON = f'["{OTHER_PDQ},100,0.000","{PDQ},93,1.23e+03"]'
VPDQ_OLD_JSON = f'{{"0":{{"quality":100,"hash":"{OTHER_PDQ}","timestamp":0.0}}}}'
UPDATE = (
    f'{{"id":"4169895076385542","indicator":"{PDQ}","type":"HASH_PDQ","last_updated":1625167804,"should_delete":false,'
    '"descriptors":{"data":[{"id":"17","owner":{"id":"3117666"},"status":"MALICIOUS","tags":["tvec"],'
    '"reactions":[{"key":"HELPFUL","value":"123,456"}]}]}}'
)
NCMEC = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">
  <videos count="2" maxTimestamp="2017-10-24T15:20:00Z">
    <video>
      <member id="42">Example Member</member>
      <timestamp>2017-10-24T15:00:00Z</timestamp>
      <id>video1</id>
      <classification>A2</classification>
      <fingerprints>
        <md5>{MD5}</md5>
        <sha1>{SHA1}</sha1>
        <tmk-pdqf rel="self" href="/v2/entries/1/fingerprints/TMK_PDQF"/>
      </fingerprints>
      <feedback lastUpdateTimestamp="2023-06-01T12:48:14Z">
        <affirmativeFeedback type="Md5" lastUpdateTimestamp="2023-06-01T12:48:14Z">
          <members timestamp="2023-06-01T12:48:14Z"><member id="44">Third Member</member></members>
        </affirmativeFeedback>
        <negativeFeedback type="Sha1" lastUpdateTimestamp="2023-05-31T19:41:51Z">
          <reasons>
            <reason guid="01234567-abcd-0123-4567-012345678900" name="Example Reason" type="Sha1"/>
            <members timestamp="2023-06-01T12:48:14Z"><member id="43">Other Member</member></members>
          </reasons>
        </negativeFeedback>
      </feedback>
    </video>
    <deletedVideo>
      <member id="42">Example Member</member>
      <id>video4</id>
      <timestamp>2017-10-24T15:10:00Z</timestamp>
    </deletedVideo>
  </videos>
  <paging><next>/v2/entries?from=2017-10-20T00%3A00%3A00.000Z&amp;start=2001</next></paging>
</queryResult>
"""
STOPNCII = (
    '{"count":2,"nextPageToken":"x","nextSetTimestamp":1625175071,"hasMoreRecords":false,"hashRecords":['
    f'{{"lastModtimestamp":1625175071,"signalType":"VideoMD5","hashValue":"{MD5}","hashStatus":"Active",'
    '"caseNumbers":{"cc592711-7068-442f-b5d2-24d50d389751":"Active"},'
    '"CSPFeedbacks":[{"source":"Example Video","feedbackValue":"Blocked","tags":["Nude"]}]},'
    f'{{"lastModtimestamp":1625175072,"signalType":"ImagePDQ","hashValue":"{PDQ}","hashStatus":"Withdrawn",'
    '"caseNumbers":{"bd2bff7c-8160-4615-8dce-38c2f066d1ac":"Withdrawn"}}]}'
)
TCAP = (
    '{"count":100,"next":"limit=100&offset=100","checkpoint":"1724856487.709035,10594","results":['
    '{"hash_digest":"123abc","algorithm":"MD5","ideology":"Far Right","file_type":"mp4","deleted":false,'
    '"updated_on":1704901040.22,"created_on":"2024-01-10T15:37:20Z","id":2819},'
    f'{{"hash_digest":"{MD5}","algorithm":"MD5","ideology":"Far Right","file_type":"mp4","deleted":false,'
    '"updated_on":1704901040.22,"created_on":"2024-01-10T15:37:20Z","id":2820},'
    f'{{"hash_digest":"{SHA256}","algorithm":"SHA256","ideology":"","file_type":"mp4","deleted":true,'
    '"updated_on":1704901041.5,"created_on":"2024-01-10T15:37:20Z","id":2821}]}'
)
MISP = f"""{{"Event": {{"info": "Known videos", "date": "2026-01-02", "Orgc": {{"name": "Example CERT"}},
  "event_creator_email": "who@example.org",
  "Tag": [{{"name": "tlp:green"}}, {{"name": "Terrorist Content"}}],
  "Object": [
    {{"name": "file", "uuid": "c99506a6-1255-4b71-afa5-7b8ba48c3b1b", "comment": "seen twice", "deleted": false, "Attribute": [
      {{"type": "filename", "object_relation": "filename", "value": "holiday.mp4"}},
      {{"type": "sha256", "object_relation": "sha256", "value": "{SHA256}", "Sighting": [
        {{"type": "0", "date_sighting": "1", "Organisation": {{"name": "Seer"}}}},
        {{"type": "1", "date_sighting": "2", "Organisation": {{"name": "Doubter"}}}}]}},
      {{"type": "md5", "object_relation": "md5", "value": "{MD5}"}},
      {{"type": "text", "object_relation": "pdq", "value": "{PDQ}"}}]}},
    {{"name": "file", "uuid": "d99506a6-1255-4b71-afa5-7b8ba48c3b1b", "deleted": true, "Attribute": [
      {{"type": "sha256", "object_relation": "sha256", "value": "{SHA256}"}}]}}],
  "Attribute": [{{"type": "filename|md5", "uuid": "e99506a6-1255-4b71-afa5-7b8ba48c3b1b", "value": "x.mp4|{MD5}"}},
    {{"type": "ip-dst", "uuid": "f99506a6-1255-4b71-afa5-7b8ba48c3b1b", "value": "192.0.2.1"}}]}}}}
"""
STIX = f"""{{"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": [
  {{"type": "identity", "spec_version": "2.1", "id": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
    "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "Example Org",
    "identity_class": "organization"}},
  {{"type": "identity", "spec_version": "2.1", "id": "identity--a431f809-377b-45e0-aa1c-6a4751cae5ff",
    "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "Jane Roe", "identity_class": "individual"}},
  {{"type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff", "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z", "description": "perpetrator-produced", "labels": ["graphic-violence"],
    "object_marking_refs": ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"], "pattern_type": "stix",
    "pattern": "[file:hashes.'SHA-256' = '{SHA256}' OR file:hashes.MD5 = '{MD5}']",
    "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2030-05-06T00:00:00Z"}},
  {{"type": "indicator", "spec_version": "2.1", "id": "indicator--9e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "revoked": true, "pattern_type": "stix",
    "pattern": "[file:hashes.MD5 = '{MD5}']", "valid_from": "2026-01-01T00:00:00Z"}},
  {{"type": "opinion", "spec_version": "2.1", "id": "opinion--b01efc25-77b4-4003-b18b-f6e24b5cd9f7",
    "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff", "created": "2026-01-02T00:00:00.000Z",
    "modified": "2026-01-02T00:00:00.000Z", "opinion": "strongly-disagree", "explanation": "news",
    "object_refs": ["indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"]}},
  {{"type": "opinion", "spec_version": "2.1", "id": "opinion--c01efc25-77b4-4003-b18b-f6e24b5cd9f7",
    "created_by_ref": "identity--a431f809-377b-45e0-aa1c-6a4751cae5ff", "created": "2026-01-02T00:00:00.000Z",
    "modified": "2026-01-02T00:00:00.000Z", "opinion": "agree",
    "object_refs": ["indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"]}}]}}
"""
JSON_LINES = f'{{"id":"7","sha256":"{SHA256}","labels":["graphic-violence"],"severity":"high","reason":"perpetrator-produced"}}\n'
JSON_LIST = f'{{"data": [{{"id": "7", "pdq": "{PDQ}", "tags": ["graphic-violence"]}}, {{"id": "8", "pdq": "{OTHER_PDQ}"}}]}}'
TEXT = f"0.000 0.250 0 100 {PDQ}\n0.250 0.500 0 99 {OTHER_PDQ}\n0.000 0.500 24 100 {PDQ}\n"
CSV = f"id,sha256,labels,severity,reason\n7,{SHA256},graphic-violence,high,perpetrator-produced\n"

SAMPLES = {
    "signals": SIGNAL_LINE,
    "dataset": DATASET,
    "vpdq": VPDQ_TEXT,
    "vpdq-json": VPDQ_JSON,
    "vpdq-json-old": VPDQ_OLD_JSON,
    "threat-updates": UPDATE,
    "ncmec": NCMEC,
    "stopncii": STOPNCII,
    "tcap": TCAP,
    "misp": MISP,
    "stix": STIX,
    "jsonl": JSON_LINES,
    "json": JSON_LIST,
    "text": TEXT,
    "csv": CSV,
}
"""By the name of their format."""
