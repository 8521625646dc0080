#!/usr/bin/python3
"""Provisions the lab's domain in a folder and writes `lab.json`, all that tests need to know of it.

Everything goes straight into `private/sam.ldb` as the system, which is fast and may write what no LDAP client
may. Run by `lab start`, before Samba starts. `accounts.py` has the tables of groups, users and branches.
"""

import json
import logging
import os
import sys
import time

import ldb
from samba import dckeytab  # noqa: F401  (adds `export_keytab` to Net)
from samba import dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.net import Net
from samba.param import LoadParm
from samba.provision import FILL_FULL, provision
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

import accounts

REALM = "LAB.EXAMPLE"
BASE = "DC=lab,DC=example"
AUTHENTICATION = f"CN=AuthN Policy Configuration,CN=Services,CN=Configuration,{BASE}"
USERS = f"CN=Users,{BASE}"
ADDRESS = "127.0.0.10"
KDC_PORT = 1088
DAEMON_ADDRESS = "127.0.0.11"

# The schema allows no value at all for msDS-SecondaryKrbTgtNumber; the control of `samba-tool dbcheck` does.
DBCHECK = f"local_oid:{dsdb.DSDB_CONTROL_DBCHECK}:0"
BYPASS_PASSWORD_HASH = f"local_oid:{dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0"
RELAX = "relax:0"

DAY = 86_400


def filetime(unix_seconds):
    """100 ns since 1601, as AD keeps times."""
    return str((int(unix_seconds) + 11_644_473_600) * 10_000_000)


class Lab:
    """The domain in `folder`: its database, and the way to everything in it by name."""

    def __init__(self, folder):
        self.folder = folder
        self.now = time.time()
        self.lp = LoadParm()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
        return path

    def provision(self):
        """An empty domain, as `samba-tool domain provision` makes it, but without file-system ACLs."""
        here = os.path.dirname(os.path.abspath(__file__))
        for name in ("private", "state", "cache", "lock", "etc", "ncalrpc", "keytabs"):
            os.makedirs(self.path(name), exist_ok=True)
        os.chmod(self.path("private"), 0o700)
        with open(os.path.join(here, "smb.conf.in"), encoding="utf-8") as template:
            smb_conf = self.write("etc/smb.conf", template.read().replace("@DIR@", self.folder))
        self.lp.load(smb_conf)
        provision(
            logging.getLogger("provision"), system_session(), smbconf=smb_conf, samdb_fill=FILL_FULL, realm=REALM,
            domain="LAB", hostname="dc1", hostip=ADDRESS, adminpass=accounts.PASSWORD, dns_backend="SAMBA_INTERNAL",
            serverrole="active directory domain controller", lp=self.lp, skip_sysvolacl=True, batch_mode=True,
            dom_for_fun_level=dsdb.DS_DOMAIN_FUNCTION_2008_R2,
        )
        self.db = SamDB(self.path("private/sam.ldb"), session_info=system_session(self.lp), lp=self.lp)

    # Reading

    def one(self, expression, attributes=("objectSid",)):
        found = self.db.search(BASE, ldb.SCOPE_SUBTREE, expression, list(attributes))
        assert len(found) == 1, f"{expression}: {len(found)} objects"
        return found[0]

    def group_dn(self, name):
        if name.startswith("S-1-5-32-"):
            return f"<SID={name}>"
        return str(self.one(f"(sAMAccountName={name})").dn)

    def sid(self, entry):
        return str(ndr_unpack(security.dom_sid, entry["objectSid"][0]))

    # Writing

    def replace(self, dn, controls=(), **values):
        message = ldb.Message(ldb.Dn(self.db, str(dn)))
        for name, value in values.items():
            message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        self.db.modify(message, controls=list(controls))

    def add_members(self, group, members):
        message = ldb.Message(ldb.Dn(self.db, self.group_dn(group)))
        message["member"] = ldb.MessageElement(members, ldb.FLAG_MOD_ADD, "member")
        self.db.modify(message)

    def domain_settings(self):
        # Without a lockout policy lockoutTime counts for nothing. One day, and one minute of minimum age.
        self.replace(BASE, lockoutThreshold="5", lockoutDuration=str(-DAY * 10**7),
                     lockOutObservationWindow=str(-1800 * 10**7), minPwdAge=str(-60 * 10**7))
        # Samba's own samba_spnupdate would add the first ones; the address lets MIT's clients do without DNS.
        names = [f"{service}/{host}" for service in ("ldap", "cifs", "host")
                 for host in ("dc1.lab.example", "DC1", ADDRESS)]
        dc = self.one("(sAMAccountName=DC1$)", ["servicePrincipalName"])
        have = {str(name).lower() for name in dc.get("servicePrincipalName", [])}
        message = ldb.Message(dc.dn)
        missing = [name for name in names if name.lower() not in have]
        message["servicePrincipalName"] = ldb.MessageElement(missing, ldb.FLAG_MOD_ADD, "servicePrincipalName")
        self.db.modify(message)

    def add_groups(self):
        self.add_protected_users()
        for group in accounts.GROUPS:
            self.db.add({"dn": f"CN={group.name},{USERS}", "objectClass": "group", "sAMAccountName": group.name,
                         "groupType": str(group.kind)})
        for group in accounts.GROUPS:
            for parent in group.member_of:
                self.add_members(parent, [f"CN={group.name},{USERS}"])

    def add_protected_users(self):
        """RID 525, which not every Samba provisions."""
        sid = f"{self.db.get_domain_sid()}-525"
        if not self.db.search(BASE, ldb.SCOPE_SUBTREE, f"(objectSid={sid})", ["cn"]):
            name = accounts.PROTECTED_USERS
            self.db.add({"dn": f"CN={name},{USERS}", "objectClass": "group", "sAMAccountName": name,
                         "groupType": str(accounts.SECURITY + accounts.GLOBAL),
                         "objectSid": ndr_pack(security.dom_sid(sid))}, controls=[RELAX])

    def add_crowd(self):
        names = [f"{accounts.CROWD}-{number:04}" for number in range(accounts.CROWD_SIZE)]
        for name in names:
            self.db.add({"dn": f"CN={name},{USERS}", "objectClass": "contact"})
        self.add_members(accounts.CROWD, [f"CN={name},{USERS}" for name in names])

    def add_user(self, user):
        dn = f"CN={user.name},{USERS}"
        entry = {"dn": dn, "objectClass": user.object_class, "sAMAccountName": user.name,
                 "userAccountControl": str(user.user_account_control),
                 "unicodePwd": f'"{accounts.PASSWORD}"'.encode("utf-16-le"), **user.attributes}
        self.db.add(entry)
        for group in user.member_of:
            self.add_members(group, [dn])
        if user.primary_group:
            rid = self.sid(self.one(f"(sAMAccountName={user.primary_group})")).rsplit("-", 1)[1]
            self.replace(dn, primaryGroupID=rid)
            # Changing the primary group leaves an ordinary membership of the old one behind.
            message = ldb.Message(ldb.Dn(self.db, f"CN=Domain Users,{USERS}"))
            message["member"] = ldb.MessageElement([dn], ldb.FLAG_MOD_DELETE, "member")
            self.db.modify(message)
        if user.locked_out:
            self.replace(dn, [RELAX], lockoutTime=filetime(self.now), badPwdCount="5")
        if user.password_age_days is not None:
            then = filetime(self.now - user.password_age_days * DAY)
            self.replace(dn, [BYPASS_PASSWORD_HASH, RELAX], pwdLastSet=then)
        if user.must_change_password:
            self.replace(dn, pwdLastSet="0")

    def add_authentication_policies(self):
        """The containers, which the domain's functional level is too low to have, what is in them, and assignments."""
        policies, silos = f"CN=AuthN Policies,{AUTHENTICATION}", f"CN=AuthN Silos,{AUTHENTICATION}"
        for dn, kind in ((AUTHENTICATION, "container"), (policies, "msDS-AuthNPolicies"),
                         (silos, "msDS-AuthNPolicySilos")):
            self.db.add({"dn": dn, "objectClass": kind})
        for policy in accounts.POLICIES:
            entry = {"dn": f"CN={policy.name},{policies}", "objectClass": "msDS-AuthNPolicy",
                     "msDS-AuthNPolicyEnforced": str(policy.enforced).upper()}
            if policy.tgt_lifetime_hours:
                entry["msDS-UserTGTLifetime"] = str(policy.tgt_lifetime_hours * 3600 * 10**7)
            if policy.demands_device:
                entry["msDS-UserAllowedToAuthenticateFrom"] = self.descriptor("O:SYG:SYD:(A;;CR;;;WD)")
            if policy.hidden:
                entry["nTSecurityDescriptor"] = self.descriptor("O:SYG:SYD:P(A;;GA;;;SY)")
            self.db.add(entry)
        users = [(user, f"CN={user.name},{USERS}") for user in accounts.USERS]
        for silo in accounts.SILOS:
            members = [dn for user, dn in users if user.silo == silo and not user.stranger]
            self.db.add({"dn": f"CN={silo.name},{silos}", "objectClass": "msDS-AuthNPolicySilo",
                         "msDS-AuthNPolicySiloEnforced": str(silo.enforced).upper(),
                         "msDS-AuthNPolicySiloMembers": members,
                         "msDS-UserAuthNPolicy": f"CN={silo.policy.name},{policies}"})
        for user, dn in users:
            if user.policy:
                self.replace(dn, **{"msDS-AssignedAuthNPolicy": f"CN={user.policy.name},{policies}"})
            if user.silo:
                self.replace(dn, **{"msDS-AssignedAuthNPolicySilo": f"CN={user.silo.name},{silos}"})

    def descriptor(self, sddl):
        domain_sid = security.dom_sid(self.db.get_domain_sid())
        return ndr_pack(security.descriptor.from_sddl(sddl, domain_sid))

    def grant_replication_rights(self):
        """What `Entra Connect` is given for password hashes, and an attacker gives himself."""
        sid = self.sid(self.one(f"(sAMAccountName={accounts.REPLICATORS})"))
        for right in accounts.REPLICATION_RIGHTS:
            SDUtils(self.db).dacl_add_ace(BASE, f"(OA;;CR;{right};;{sid})")

    def give_away_branch(self, krbtgt, computer):
        """To whom it should not belong."""
        writers = self.sid(self.one(f"(sAMAccountName={accounts.BRANCH_WRITERS})"))
        utilities = SDUtils(self.db)
        utilities.dacl_add_ace(computer, f"(OA;;WP;{accounts.NEVER_REVEAL_ATTRIBUTE};;{writers})")
        descriptor = utilities.read_sd_on_dn(krbtgt)
        descriptor.owner_sid = security.dom_sid(self.sid(self.one(f"(sAMAccountName={accounts.BRANCH_OWNER})")))
        utilities.modify_sd_on_dn(krbtgt, descriptor)

    def add_branch(self, branch):
        """The pair of objects that Set-AzureADKerberosServer makes, or a broken likeness of it."""
        krbtgt = f"CN={branch.krbtgt},{USERS}"
        # `rodc_join` makes the object module draw a number and set the keys; the number is chosen afterwards.
        self.db.add({"dn": krbtgt, "objectClass": "user", "userAccountControl": "514",
                     "showInAdvancedViewOnly": "TRUE", "description": "Key Distribution Center service account"},
                    controls=["rodc_join:1:1", RELAX])
        self.replace(krbtgt, [DBCHECK, RELAX], **{"msDS-SecondaryKrbTgtNumber": str(branch.number),
                                                  "sAMAccountName": f"krbtgt_{branch.number}"})
        computer = f"CN={branch.computer},OU=Domain Controllers,{BASE}"
        entry = {"dn": computer, "objectClass": "computer", "sAMAccountName": f"{branch.computer}$",
                 "userAccountControl": str(branch.user_account_control), "primaryGroupID": "521",
                 "msDS-NeverRevealGroup": [self.list_value(value) for value in branch.never_reveal],
                 "msDS-RevealOnDemandGroup": [self.list_value(value) for value in branch.reveal_on_demand]}
        if not branch.user_account_control & accounts.UF_PARTIAL_SECRETS_ACCOUNT:
            entry["primaryGroupID"] = "515"
        if branch.linked:
            entry["msDS-KrbTgtLink"] = krbtgt
        self.db.add(entry, controls=[RELAX])
        return krbtgt, computer

    def list_value(self, value):
        """A group's name, RID of the domain or SID, or, for the list that has no SID to resolve to, a DN."""
        if isinstance(value, int):
            return f"<SID={self.db.get_domain_sid()}-{value}>"
        return value if "=" in value else self.group_dn(value)

    # What tests get

    def export_keytab(self, name, principal=None):
        """As `samba-tool domain exportkeytab`: without a principal, the keys of every account there is."""
        path = self.path("keytabs", f"{name}.keytab")
        Net(None, self.lp).export_keytab(keytab=path, principal=principal)
        os.chmod(path, 0o600)
        return path

    def describe_user(self, user):
        attributes = ["objectSid", "primaryGroupID", "userPrincipalName"]
        entry = self.one(f"(sAMAccountName={user.name})", attributes)
        groups = [f"{self.db.get_domain_sid()}-{entry['primaryGroupID'][0]}"]
        groups += [self.sid(self.one(f"(sAMAccountName={name})")) for name in user.tgt_groups]
        return {
            "name": user.name, "dn": str(entry.dn), "sid": self.sid(entry), "password": accounts.PASSWORD,
            "upn": str(entry["userPrincipalName"][0]) if "userPrincipalName" in entry else None,
            "purpose": user.purpose,
            # Groups of the PAC of a TGT, from the table, by [MS-KILE] 3.3.5.6.4.1; ascending RID.
            "tgt_groups": sorted(groups, key=lambda sid: int(sid.rsplit("-", 1)[1])),
        }

    def describe_branch(self, branch, krbtgt, computer):
        entry = self.one(f"(sAMAccountName=krbtgt_{branch.number})", ["msDS-KeyVersionNumber"])
        version = int(entry["msDS-KeyVersionNumber"][0])
        return {
            "number": branch.number, "key_version": version, "kvno": branch.number << 16 | version,
            "keytab": self.export_keytab(branch.name, f"krbtgt_{branch.number}@{REALM}"),
            "krbtgt_dn": krbtgt, "computer_dn": computer, "fault": branch.fault,
        }

    def krb5_conf(self, name, extra=""):
        return self.write(name, f"""[libdefaults]
    default_realm = {REALM}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    forwardable = true
[realms]
    {REALM} = {{
        kdc = {ADDRESS}:{KDC_PORT}
    }}
[domain_realm]
    .lab.example = {REALM}
    lab.example = {REALM}
    {ADDRESS} = {REALM}
{extra}""", mode=0o644)

    def describe(self, branches):
        domain = self.db.search(BASE, ldb.SCOPE_BASE, attrs=["objectGUID"])[0]
        azuread = branches["azuread"]
        return {
            "realm": REALM, "netbios_name": "LAB", "dns_domain": "lab.example", "base_dn": BASE,
            "domain_sid": str(self.db.get_domain_sid()),
            "domain_guid": str(self.db.schema_format_value("objectGUID", domain["objectGUID"][0]), "ascii"),
            "dc": "dc1.lab.example", "address": ADDRESS, "kdc": f"{ADDRESS}:{KDC_PORT}",
            "cldap": f"{ADDRESS}:1389", "ldap": f"ldap://{ADDRESS}", "ldaps": f"ldaps://{ADDRESS}",
            "daemon_address": DAEMON_ADDRESS,
            "forwarder_addresses": ["127.0.0.12", "127.0.0.13"],   # the certificate has them, and the daemon's
            "ca": self.path("tls/ca.pem"), "other_ca": self.path("tls/other-ca.pem"),
            "krb5_conf": self.krb5_conf("krb5.conf"),
            "administrator": {"dn": f"CN=Administrator,{USERS}", "password": accounts.PASSWORD},
            "service_account": {
                "dn": f"CN={accounts.SERVICE_ACCOUNT},{USERS}", "password": accounts.PASSWORD,
                "password_file": self.write("ldap-password", accounts.PASSWORD + "\n"),
            },
            "keytabs": {"krbtgt": self.export_keytab("krbtgt", f"krbtgt/{REALM}@{REALM}"),
                        "azuread": azuread["keytab"], "users": self.export_keytab("users")},
            "branches": branches,
            "users": {user.key: self.describe_user(user) for user in accounts.USERS},
        }


def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    os.umask(0o077)
    lab = Lab(sys.argv[1])
    lab.provision()
    lab.db.transaction_start()
    lab.domain_settings()
    lab.add_groups()
    lab.add_crowd()
    for user in accounts.USERS:
        lab.add_user(user)
    lab.add_authentication_policies()
    lab.grant_replication_rights()
    pairs = [(branch, *lab.add_branch(branch)) for branch in accounts.BRANCHES]
    lab.give_away_branch(*next(dns for branch, *dns in pairs if branch.name == "proposed"))
    lab.db.transaction_commit()
    # UDP replies over 1400 octets would be RESPONSE_TOO_BIG, and every full TGT is larger.
    lab.krb5_conf("samba.krb5.conf", "[kdc]\n    max-kdc-datagram-reply-length = 65000\n")
    branches = {branch.name: lab.describe_branch(branch, *dns) for branch, *dns in pairs}
    # Last, and under its name only when it is whole: its presence says that the lab is complete.
    lab.write("lab.json.new", json.dumps(lab.describe(branches), indent=1, ensure_ascii=False) + "\n")
    os.rename(lab.path("lab.json.new"), lab.path("lab.json"))


if __name__ == "__main__":
    main()
