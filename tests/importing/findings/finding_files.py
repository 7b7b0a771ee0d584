"""Reports as the tools write them, small: one of each format, about the same two flaws of a shop."""

from __future__ import annotations

import base64
import json

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
_FIELDS = f"Host: shop.test\r\nAuthorization: Bearer {TOKEN}\r\nX-Trace: 1\r\n\r\n"
REQUEST = "GET /v2/orders?search=%27+OR+1%3D1 HTTP/1.1\r\n" + _FIELDS
ANSWER = {"items": [{"orderId": "o-4711", "card": "4111111111111111"}, {"orderId": "o-4712", "note": "a gift"}]}
RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps(ANSWER)

SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "Scanner",
                    "rules": [
                        {
                            "id": "sqli",
                            "shortDescription": {"text": "SQL injection"},
                            "properties": {"security-severity": "9.1"},
                        },
                        {"id": "banner", "defaultConfiguration": {"level": "note"}},
                    ],
                }
            },
            "results": [
                {
                    "ruleId": "sqli",
                    "ruleIndex": 0,
                    "level": "error",
                    "message": {"text": "search is injectable"},
                    "webRequest": {
                        "method": "GET",
                        "target": "https://shop.test/v2/orders?search=%27",
                        "headers": {"Authorization": f"Bearer {TOKEN}"},
                    },
                    "webResponse": {"body": {"text": json.dumps(ANSWER)}},
                },
                {
                    "ruleIndex": 1,
                    "message": {"text": "names its software"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "shop.yaml"},
                                "region": {"startLine": 6, "startColumn": 5},
                            }
                        }
                    ],
                },
                {"ruleId": "sqli", "message": {"text": "accepted"}, "suppressions": [{"kind": "external"}]},
                {"ruleId": "sqli", "kind": "pass", "message": {"text": "nothing here"}},
            ],
        }
    ],
}

ZAP = {
    "@programName": "ZAP",
    "@version": "2.16.0",
    "site": [
        {
            "@name": "https://shop.test",
            "alerts": [
                {
                    "pluginid": "40018",
                    "alertRef": "40018",
                    "name": "SQL Injection",
                    "riskcode": "3",
                    "confidence": "2",
                    "instances": [
                        {
                            "uri": "https://shop.test/v2/orders?search=%27",
                            "method": "GET",
                            "param": "search",
                            "attack": "'",
                            "evidence": "syntax error",
                        },
                        {
                            "uri": "https://shop.test/v2/orders?search=%22",
                            "method": "GET",
                            "param": "search",
                            "attack": '"',
                            "evidence": "",
                        },
                    ],
                },
                {
                    "pluginid": "1",
                    "name": "A false alarm",
                    "riskcode": "3",
                    "confidence": "0",
                    "instances": [{"uri": "https://shop.test/v2/orders", "method": "GET"}],
                },
            ],
        }
    ],
}

ZAP_XML = """<?xml version="1.0"?>
<OWASPZAPReport programName="ZAP" version="2.16.0">
  <site name="https://shop.test" host="shop.test" port="443" ssl="true">
    <alerts>
      <alertitem>
        <pluginid>40018</pluginid><alertRef>40018</alertRef><name>SQL Injection</name>
        <riskcode>3</riskcode><confidence>2</confidence>
        <instances>
          <instance>
            <uri>https://shop.test/v2/orders?search=%27</uri><method>GET</method><param>search</param>
            <attack>'</attack><evidence>syntax error</evidence>
          </instance>
        </instances>
      </alertitem>
    </alerts>
  </site>
</OWASPZAPReport>
"""


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


BURP = f"""<?xml version="1.0"?>
<!DOCTYPE issues [
<!ELEMENT issues (issue*)>
<!ATTLIST issues burpVersion CDATA "">
<!ELEMENT issue (serialNumber, type, name, host, path, location, severity, confidence, requestresponse*)>
]>
<issues burpVersion="2025.1" exportTime="x">
  <issue>
    <serialNumber>1</serialNumber><type>1049088</type><name><![CDATA[SQL injection]]></name>
    <host ip="10.0.0.1">https://shop.test</host><path><![CDATA[/v2/orders]]></path>
    <location><![CDATA[/v2/orders [search parameter]]]></location>
    <severity>High</severity><confidence>Certain</confidence>
    <requestresponse>
      <request method="GET" base64="true"><![CDATA[{_b64(REQUEST)}]]></request>
      <response base64="true"><![CDATA[{_b64(RESPONSE)}]]></response>
    </requestresponse>
  </issue>
  <issue>
    <type>2</type><name>No issue</name><host>https://shop.test</host><path>/</path><severity>False positive</severity>
  </issue>
</issues>
"""

_NUCLEI = {
    "template-id": "sqli-search",
    "info": {"name": "SQL injection in search", "severity": "high"},
    "type": "http",
    "host": "https://shop.test",
    "matched-at": "https://shop.test/v2/orders?search=%27+OR+1%3D1",
    "request": REQUEST,
    "response": RESPONSE,
}
_DEBUG = {
    "template-id": "debug-config",
    "info": {"name": "Debug page", "severity": "medium"},
    "matched-at": "https://shop.test/debug",
    "extracted-results": ["DEBUG=true"],
    "request": "GET /debug HTTP/1.1\r\nHost: shop.test\r\n\r\n",
}
NUCLEI = json.dumps(_NUCLEI) + "\n" + json.dumps(_DEBUG) + "\n"

HAR = {
    "log": {
        "version": "1.2",
        "creator": {"name": "Browser", "version": "1"},
        "entries": [
            {
                "comment": "SQL injection in search",
                "_severity": "high",
                "_parameter": "search",
                "request": {
                    "method": "GET",
                    "url": "https://shop.test/v2/orders?search=%27+OR+1%3D1",
                    "headers": [{"name": "Authorization", "value": f"Bearer {TOKEN}"}],
                },
                "response": {"status": 200, "content": {"mimeType": "application/json", "text": json.dumps(ANSWER)}},
            },
            {"request": {"method": "GET", "url": "https://shop.test/v2/orders", "headers": []}, "response": {}},
        ],
    }
}

FILES: dict[str, bytes] = {
    "sarif": json.dumps(SARIF).encode(),
    "zap": json.dumps(ZAP).encode(),
    "zap-xml": ZAP_XML.encode(),
    "burp": BURP.encode(),
    "nuclei": NUCLEI.encode(),
    "har": json.dumps(HAR).encode(),
}
"""By format; `zap-xml` is the same tool's other form."""

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "2.0"}
servers: [{url: https://shop.test/v2}]
paths:
  /orders:
    get:
      operationId: listOrders
      parameters: [{name: search, in: query, schema: {type: string}}]
      responses: {"200": {description: ok}}
    post: {operationId: placeOrder, responses: {"201": {description: ok}}}
  /orders/{orderId}:
    parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {"200": {description: ok}}}
  /orders/latest:
    get: {operationId: latestOrder, responses: {"200": {description: ok}}}
"""
DECLARATION = """\
assay: 1
organisation: {name: Shop}
environments: {test: {tier: non-production}}
apis:
  shop: {owner: shop, exposure: public, environment: test, contract: shop.yaml, upstream: "http://10.0.0.1:8000/api"}
"""
