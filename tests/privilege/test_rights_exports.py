"""Exports of other platforms: every right is read, what they leave open is said, and nothing else leaves a reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.domain import AssayError
from assay.privilege.readers import READERS, aws_iam, csv_, entra, keycloak, read_export, salesforce
from assay.privilege.rights import Rights


def said(rights: Rights) -> set[tuple[str, str]]:
    return {(g.operation, g.object) for g in rights.grants}


def open_points(rights: Rights) -> str:
    return " | ".join(u.sentence for u in rights.unclear)


class TestAws:
    def policy(self, *statements: dict[str, Any], who: str = "x") -> Rights:
        return aws_iam.read(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), "p.json", who)

    def allow(self, action: Any, resource: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": action, "Resource": resource, **more}

    def deny(self, action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
        return {"Effect": "Deny", "Action": action, "Resource": resource, **more}

    @pytest.mark.parametrize(
        ("action", "operations"),
        [
            ("s3:GetObject", {"read"}),
            ("s3:getobject", {"read"}),
            ("s3:PutObject", {"write"}),
            ("s3:DeleteObject", {"delete"}),
            ("lambda:InvokeFunction", {"execute"}),
            ("iam:PassRole", {"impersonate"}),
            ("sts:AssumeRole", {"impersonate"}),
            ("iam:AttachUserPolicy", {"grant"}),
            ("s3:PutBucketPolicy", {"grant"}),
            ("s3:*", {"read", "write", "delete", "execute", "admin"}),
            ("*", {"read", "write", "delete", "execute", "admin", "impersonate", "grant"}),
        ],
    )
    def test_actions_are_told_by_what_they_do(self, action: str, operations: set[str]) -> None:
        found = self.policy(self.allow(action))
        assert {g.operation for g in found.grants} == operations
        assert not found.unclear

    def test_patterns_of_actions_may_do_all_that_they_match(self) -> None:
        found = {g.operation for g in self.policy(self.allow("iam:*User*", "*")).grants}
        assert {"grant", "write", "delete"} <= found

    def test_an_unknown_action_is_not_guessed(self) -> None:
        found = self.policy(self.allow("s3:Frobnicate"))
        assert not found.grants
        assert "`s3:Frobnicate` does is not known" in open_points(found)

    def test_a_denial_takes_away_what_lies_within_it(self) -> None:
        found = self.policy(self.allow(["s3:GetObject", "s3:DeleteObject"]), self.deny("s3:Delete*"))
        assert said(found) == {("read", "arn:aws:s3:::b/*")}
        assert not found.unclear

    @pytest.mark.parametrize(
        "denial",
        [
            {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/secret/*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"x": "y"}}},
            {"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "arn:aws:s3:::b/x"},
            {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}/*"},
        ],
    )
    def test_a_denial_that_may_take_some_is_said_and_takes_nothing(self, denial: dict[str, Any]) -> None:
        found = self.policy(self.allow("s3:Get*"), denial)
        assert said(found) == {("read", "arn:aws:s3:::b/*")}
        assert "may take some of" in open_points(found)

    def test_a_denial_of_something_else_changes_nothing(self) -> None:
        found = self.policy(self.allow("s3:GetObject"), self.deny("ec2:*"), self.deny("s3:*", "arn:aws:s3:::other/*"))
        assert said(found) == {("read", "arn:aws:s3:::b/*")}
        assert not found.unclear

    def test_conditions_and_exclusions_are_said(self) -> None:
        found = self.policy(
            self.allow("s3:GetObject", Condition={"IpAddress": {}}),
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            {"Effect": "Allow", "Resource": "*"},
            {"Effect": "Maybe", "Action": "*", "Resource": "*"},
        )
        for part in ("has a condition", "everything but what it names", "names no action", "neither allows nor denies"):
            assert part in open_points(found)
        assert ("admin", "*") in said(found)

    def details(self, **user: Any) -> str:
        document = {"Statement": [self.allow("s3:GetObject")]}
        versions = [{"IsDefaultVersion": False}, {"IsDefaultVersion": True, "Document": document}]
        return json.dumps(
            {
                "UserDetailList": [{"UserName": "sync", "Arn": "arn:sync", **user}],
                "GroupDetailList": [
                    {
                        "GroupName": "ops",
                        "GroupPolicyList": [
                            {"PolicyName": "wide", "PolicyDocument": {"Statement": self.allow("s3:DeleteObject")}}
                        ],
                    }
                ],
                "Policies": [{"Arn": "arn:read", "PolicyVersionList": versions}],
            }
        )

    def test_rights_of_groups_and_managed_policies_count_with_their_names(self) -> None:
        attached = [{"PolicyName": "read", "PolicyArn": "arn:read"}]
        found = aws_iam.read(self.details(GroupList=["ops"], AttachedManagedPolicies=attached), "a.json", "sync")
        assert {(g.operation, g.via) for g in found.grants} == {("read", ("read",)), ("delete", ("ops", "wide"))}
        assert not found.unclear

    def test_what_a_half_export_leaves_out_is_named(self) -> None:
        attached = [{"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]
        text = self.details(GroupList=["gone"], AttachedManagedPolicies=attached, PermissionsBoundary={"x": 1})
        points = open_points(aws_iam.read(text, "a.json", "arn:sync"))
        for part in ("`gone`", "`AdministratorAccess` is attached and not in the export", "boundary"):
            assert part in points

    def test_documents_may_be_percent_encoded(self) -> None:
        document = quote(json.dumps({"Statement": [self.allow("s3:GetObject", "b")]}))
        text = self.details(UserPolicyList=[{"PolicyName": "p", "PolicyDocument": document}])
        assert said(aws_iam.read(text, "a.json", "sync")) == {("read", "b")}

    def test_a_name_that_is_not_there_is_answered_with_the_closest(self) -> None:
        with pytest.raises(AssayError) as error:
            aws_iam.read(self.details(), "a.json", "snyc")
        assert "`sync`" in error.value.fix


REALM: dict[str, Any] = {
    "realm": "shop",
    "roles": {
        "realm": [
            {"name": "helper", "composite": True, "composites": {"client": {"realm-management": ["view-users"]}}}
        ],
        "client": {"crm": [{"name": "editor"}], "realm-management": [{"name": "realm-admin"}]},
    },
    "groups": [
        {"name": "staff", "realmRoles": ["helper"], "subGroups": [{"name": "it", "clientRoles": {"crm": ["editor"]}}]}
    ],
    "clients": [
        {"clientId": "sync", "serviceAccountsEnabled": True},
        {"clientId": "web"},
        {"clientId": "lost", "serviceAccountsEnabled": True},
    ],
    "users": [
        {
            "username": "service-account-sync",
            "serviceAccountClientId": "sync",
            "groups": ["/staff/it"],
            "clientRoles": {"realm-management": ["realm-admin"]},
        },
        {"username": "off", "enabled": False, "realmRoles": ["helper"]},
        {"username": "odd", "realmRoles": ["unheard-of"], "groups": ["/none"]},
    ],
}


class TestKeycloak:
    def test_service_accounts_hold_roles_of_groups_composites_and_the_realm(self) -> None:
        found = keycloak.read(json.dumps(REALM), "realm.json", "sync")
        assert ("execute", "crm/editor") in said(found)
        assert ("read", "realm shop") in said(found)
        assert {"admin", "grant", "impersonate"} <= {g.operation for g in found.grants}
        composite = next(g for g in found.grants if g.right == "view-users")
        assert composite.via == ("/staff", "helper")
        assert not found.unclear

    def test_disabled_people_hold_nothing(self) -> None:
        found = keycloak.read(json.dumps(REALM), "realm.json", "off")
        assert (found.grants, found.powers) == ((), {"nologin"})

    @pytest.mark.parametrize(
        ("change", "who", "part"),
        [
            ({}, "odd", "`unheard-of` is held and not in the export"),
            ({}, "odd", "group `/none`"),
            ({}, "web", "has no service account"),
            ({}, "lost", "service account of `lost` is not in the export"),
            ({"users": None}, "sync", "is not in the export"),
            ({"roles": []}, "sync", "`roles` is no object"),
        ],
    )
    def test_what_the_export_leaves_open_is_said(self, change: dict[str, Any], who: str, part: str) -> None:
        assert part in open_points(keycloak.read(json.dumps(REALM | change), "realm.json", who))

    def test_an_export_without_users_says_so(self) -> None:
        without = {k: v for k, v in REALM.items() if k != "users"}
        assert "holds no users" in open_points(keycloak.read(json.dumps(without), "realm.json", "sync"))


PERMISSIONS = """<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">
  <label>Sync</label>
  <objectPermissions>
    <allowRead>true</allowRead><allowEdit>true</allowEdit><allowDelete>false</allowDelete><object>Account</object>
  </objectPermissions>
  <objectPermissions><modifyAllRecords>true</modifyAllRecords><object>Case</object></objectPermissions>
  <fieldPermissions><field>Contact.Email</field><readable>true</readable><editable>false</editable></fieldPermissions>
  <userPermissions><enabled>true</enabled><name>ViewAllData</name></userPermissions>
  <userPermissions><enabled>false</enabled><name>ModifyAllData</name></userPermissions>
  <userPermissions><enabled>true</enabled><name>ManageNothingKnown</name></userPermissions>
</PermissionSet>
"""


class TestSalesforce:
    def test_objects_fields_and_system_permissions_are_read_with_their_lines(self) -> None:
        found = salesforce.read(PERMISSIONS, "sync.xml", "sync")
        assert said(found) == {
            ("read", "Account"),
            ("write", "Account"),
            ("read", "Case"),
            ("write", "Case"),
            ("delete", "Case"),
            ("read", "Contact(Email)"),
            ("read", "*"),
        }
        assert {g.object: g.rows for g in found.grants}["Case"] == ""
        assert {g.object: g.rows for g in found.grants}["Account"] == "by sharing rules"
        assert next(str(g.at) for g in found.grants if g.object == "Case") == "sync.xml:7:3"
        assert "`ManageNothingKnown` reaches is not known" in open_points(found)

    def test_who_may_modify_all_data_may_do_everything(self) -> None:
        found = salesforce.read(PERMISSIONS.replace("<enabled>false", "<enabled>true"), "s.xml", "s")
        assert {("admin", "*"), ("delete", "*")} <= said(found)

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ('<!DOCTYPE x [<!ENTITY a "b">]><PermissionSet>&a;</PermissionSet>', "document type"),
            ("<PermissionSet><a>", "no XML"),
            ("<Account/>", "something else"),
            ("<MutingPermissionSet/>", "takes rights away"),
            ("<PermissionSet>" + "<a>" * 40, "nested too deeply"),
        ],
    )
    def test_other_files_are_refused_with_their_place(self, text: str, part: str) -> None:
        with pytest.raises(AssayError) as error:
            salesforce.read(text, "s.xml", "s")
        assert part in error.value.sentence
        assert error.value.location is not None

    def test_an_export_without_permissions_is_half_an_export(self) -> None:
        assert "no permissions at all" in open_points(salesforce.read("<Profile/>", "s.xml", "s"))


GRAPH: dict[str, Any] = {
    "servicePrincipals": [
        {
            "id": "g",
            "displayName": "Microsoft Graph",
            "appRoles": [
                {"id": "1", "value": "User.ReadWrite.All"},
                {"id": "2", "value": "RoleManagement.ReadWrite.Directory"},
                {"id": "3", "value": "Thing.Frob"},
                {"id": "4", "value": "Mail.Send"},
            ],
        },
        {
            "id": "s",
            "displayName": "sync",
            "appRoleAssignments": [
                {"resourceId": "g", "resourceDisplayName": "Microsoft Graph", "appRoleId": "1",
                 "createdDateTime": "2024-02-03T10:00:00Z"},
                {"resourceId": "g", "appRoleId": "2", "createdDateTime": "03/02/2024"},
                {"resourceId": "g", "appRoleId": "3"},
                {"resourceId": "gone", "appRoleId": "9"},
            ],
            "oauth2PermissionGrants": [
                {"resourceId": "g", "scope": "openid Files.Read", "consentType": "AllPrincipals"}
            ],
        },
        {"id": "t", "displayName": "half"},
    ]
}  # fmt: skip


class TestEntra:
    def test_app_roles_are_read_by_the_names_that_their_resource_gives_them(self) -> None:
        found = entra.read(json.dumps(GRAPH), "sp.json", "sync")
        assert {("read", "Microsoft Graph/User*"), ("delete", "Microsoft Graph/User*")} <= said(found)
        assert ("grant", "g/RoleManagement*") in said(found)
        assert ("read", "Microsoft Graph/Files") in said(found)
        assert next(g.since for g in found.grants if g.right == "User.ReadWrite.All") is not None

    def test_what_is_not_known_is_said(self) -> None:
        points = open_points(entra.read(json.dumps(GRAPH), "sp.json", "s"))
        for part in ("`Thing.Frob`", "app role 9", "not in the export", "`03/02/2024` is no date"):
            assert part in points
        assert "its app roles are not known" in open_points(entra.read(json.dumps(GRAPH), "sp.json", "half"))


class TestTable:
    HEAD = "principal,object,operation,since,via\n"

    def test_rows_are_rights_with_their_lines(self) -> None:
        found = csv_.read(self.HEAD + 'me,"a, b",read,2024-01-01,r\nyou,c,write,,\n', "r.csv", "me")
        (only,) = found.grants
        assert (only.object, only.via, str(only.at)) == ("a, b", ("r",), "r.csv:2:1")

    @pytest.mark.parametrize(
        ("row", "part"),
        [
            ("me,a,reed,,", "did you mean `read`?"),
            ("me,,read,,", "object is missing"),
            ("me,a,read,03.02.2024,", "no date of the form"),
            ("me,a,read,2024-13-45,", "no date of the form"),
            ("me,a,read", "has 3 values"),
        ],
    )
    def test_rows_that_decide_nothing_are_said_with_their_line(self, row: str, part: str) -> None:
        found = csv_.read(f"{self.HEAD}me,x,read,,\n{row}\n", "r.csv", "me")
        assert part in open_points(found)
        assert [str(u.at) for u in found.unclear] == ["r.csv:3:1"]

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("principal,object,operation,deny\n", "column `deny`"),
            ("principal,object\n", "no column `operation`"),
            ("", "no column `principal`"),
            ("principal,object,operation,operation\n", "twice"),
            ('principal,object,operation\n"me', "no table"),
        ],
    )
    def test_other_tables_are_refused(self, text: str, part: str) -> None:
        with pytest.raises(AssayError) as error:
            csv_.read(text, "r.csv", "me")
        assert part in error.value.sentence


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for data, format, part in (
        (b"{}", None, "does not say what wrote it"),
        (b"{}", "aws", "no format"),
        (b"\xff", "csv", "not UTF-8"),
        (b"[1]", "keycloak", "no JSON object"),
        (b'{"a":', "entra", "no JSON"),
        (b'{"a":' * 100_000, "aws-iam", "nested too deeply"),
    ):
        file.write_bytes(data)
        with pytest.raises(AssayError) as error:
            read_export(file, "x.json", format, "me")
        assert part in error.value.sentence
    with pytest.raises(AssayError):
        read_export(tmp_path / "none.csv", "none.csv", None, "me")


WORDS = st.sampled_from(
    """
    Statement Effect Allow Deny Action NotAction Resource NotResource Condition UserPolicyList PolicyDocument Policies
    Arn GroupList AttachedManagedPolicies PolicyArn s3:* * roles realm client composites realmRoles clientRoles groups
    enabled displayName appRoles appRoleAssignments appRoleId resourceId id value oauth2PermissionGrants scope clients
    clientId createdDateTime me name
    """.split()  # noqa: SIM905 - forty words, not forty lines
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(WORDS, VALUES, max_size=4), st.sampled_from(["aws-iam", "keycloak", "entra"]))
def test_whatever_json_holds_is_read_or_refused(value: dict[str, Any], format: str) -> None:
    mine = {
        "aws-iam": {"UserDetailList": [{"UserName": "me", **value}]}
        | ({"Statement": [value]} if "Action" in value else {}),
        "keycloak": {"users": [{"username": "me", **value}]},
        "entra": {"servicePrincipals": [{"displayName": "me", **value}]},
    }[format]
    try:
        found = READERS[format](json.dumps(value | mine), "x.json", "me")
    except AssayError as error:
        assert error.sentence
        assert error.location
        return
    assert isinstance(found, Rights)


@settings(max_examples=100)
@given(st.text(), st.sampled_from(sorted(READERS)))
def test_whatever_text_is_read_or_refused(text: str, format: str) -> None:
    for whole in (text, f"principal,object,operation\nme,{text},read\n", f"<PermissionSet>{text}</PermissionSet>"):
        try:
            READERS[format](whole, "x", "me")
        except AssayError as error:
            assert error.location
