"""The lab's groups, users and branches, one of each per reason that a test has for it."""

from dataclasses import dataclass, field

PASSWORD = "Exchange-2026!"
SERVICE_ACCOUNT = "tgtx"

SECURITY = -0x8000_0000
GLOBAL, DOMAIN_LOCAL, UNIVERSAL = 0x2, 0x4, 0x8

UF_ACCOUNTDISABLE = 0x2
UF_NORMAL_ACCOUNT = 0x200
UF_WORKSTATION_TRUST_ACCOUNT = 0x1000
UF_SMARTCARD_REQUIRED = 0x4_0000
UF_TRUSTED_FOR_DELEGATION = 0x8_0000
UF_NOT_DELEGATED = 0x10_0000
UF_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION = 0x100_0000
UF_PARTIAL_SECRETS_ACCOUNT = 0x400_0000

REMOTE_DESKTOP_USERS = "S-1-5-32-555"
ACCOUNT_OPERATORS = "S-1-5-32-548"
WINDOWS_AUTHORIZATION_ACCESS = "S-1-5-32-560"


@dataclass
class Group:
    name: str
    kind: int = SECURITY + GLOBAL
    member_of: tuple = ()


DENIED_GROUP = "Denied RODC Password Replication Group"
ALLOWED_GROUP = "Allowed RODC Password Replication Group"


def chain(name, listed):
    """`name`-5 in `name`-4 and so on, `name`-1 in the listed group."""
    parents = [listed, *(f"{name}-{number}" for number in range(1, 5))]
    return [Group(f"{name}-{number}", member_of=(parent,)) for number, parent in enumerate(parents, 1)]


def circle(name, listed):
    """1 in 2, 2 in 3, 3 in 1; the way out is from 3."""
    one, two, three = (f"{name}-{number}" for number in (1, 2, 3))
    return [Group(one, member_of=(two,)), Group(two, member_of=(three,)), Group(three, member_of=(one, listed))]


# Contacts, which are members like others and quickly made.
CROWD, CROWD_SIZE = "crowd", 1_500

PROTECTED_USERS = "Protected Users"
MANY = [f"many-{number:03}" for number in range(200)]

GROUPS = [
    # alice: staff -> all-staff -> everywhere -> (printers, Remote Desktop Users)
    Group("everywhere", SECURITY + UNIVERSAL),
    Group("all-staff", member_of=("everywhere",)),
    Group("staff", member_of=("all-staff",)),
    Group("printers", SECURITY + DOMAIN_LOCAL),
    Group("printer-users", SECURITY + DOMAIN_LOCAL, member_of=("printers",)),
    # A distribution group is in no token, nor is what lies behind it.
    Group("behind-the-list", SECURITY + UNIVERSAL),
    Group("mailing-list", GLOBAL, member_of=("behind-the-list",)),
    Group("admins-inner", member_of=("Domain Admins",)),
    Group("admins-outer", member_of=("admins-inner",)),
    Group("helpdesk", member_of=(ACCOUNT_OPERATORS,)),
    Group("helpdesk-tier2", member_of=("helpdesk",)),
    Group("never-to-the-cloud", member_of=("Denied RODC Password Replication Group",)),
    Group("externals"),
    # Replication rights on the domain's head.
    Group("directory-sync"),
    # May write a list of the branch `proposed`.
    Group("branch-writers"),
    # Five groups from a user to a listed one, on either list.
    *chain("deep-denied", DENIED_GROUP),
    *chain("deep-allowed", ALLOWED_GROUP),
    # Each is in the next, and the last in the first.
    *circle("circle-denied", DENIED_GROUP),
    *circle("circle-allowed", ALLOWED_GROUP),
    Group("circle-unlisted-1", member_of=("circle-unlisted-2",)),
    Group("circle-unlisted-2", member_of=("circle-unlisted-1",)),
    # Of more members than a Windows domain controller gives at once: filled by `CROWD`.
    Group("crowd", member_of=(DENIED_GROUP,)),
    *[Group(name) for name in MANY],
]


@dataclass
class Policy:
    """An authentication policy; of computers and services none is needed."""
    name: str
    enforced: bool = True
    tgt_lifetime_hours: int | None = None
    demands_device: bool = False
    # May be read by the system alone, and so by no daemon.
    hidden: bool = False


TWO_HOURS, SIX_HOURS = Policy("Two Hours", tgt_lifetime_hours=2), Policy("Six Hours", tgt_lifetime_hours=6)
DEVICES = Policy("Devices", tgt_lifetime_hours=2, demands_device=True)
AUDITED = Policy("Audited", enforced=False, tgt_lifetime_hours=2, demands_device=True)
SWITCHED = Policy("Switched", enforced=False, demands_device=True)
HIDDEN = Policy("Hidden", hidden=True)
POLICIES = [TWO_HOURS, SIX_HOURS, DEVICES, AUDITED, SWITCHED, HIDDEN]


@dataclass
class Silo:
    """An authentication policy silo. Its members are the users that name it and are no strangers to it."""
    name: str
    policy: Policy
    enforced: bool = True


VAULT, WATCHED = Silo("Vault", TWO_HOURS), Silo("Watched", DEVICES, enforced=False)
SILOS = [VAULT, WATCHED]


@dataclass
class User:
    name: str
    purpose: str
    key: str = ""
    object_class: str = "user"
    user_account_control: int = UF_NORMAL_ACCOUNT
    member_of: tuple = ()
    # Names of the groups in the PAC of a TGT, beside the primary group: global and universal ones.
    tgt_groups: tuple = ()
    primary_group: str | None = None
    locked_out: bool = False
    must_change_password: bool = False
    password_age_days: int | None = None
    policy: Policy | None = None
    silo: Silo | None = None
    # The silo that it names does not list it.
    stranger: bool = False
    attributes: dict = field(default_factory=dict)

    def __post_init__(self):
        self.key = self.key or self.name


USERS = [
    User(SERVICE_ACCOUNT, "the account the daemon reads the directory with",
         member_of=(WINDOWS_AUTHORIZATION_ACCESS,)),
    User("changer", "has a password that is changed through a relay"),
    User("alice", "ordinary: nested global and universal groups; domain-local, BUILTIN and distribution ones beside",
         member_of=("staff", "mailing-list", "printer-users", REMOTE_DESKTOP_USERS),
         tgt_groups=("staff", "all-staff", "everywhere"),
         attributes={"userPrincipalName": "alice@lab.example", "displayName": "Alice Ärmel",
                     "scriptPath": "logon.cmd", "profilePath": r"\\dc1\profiles\alice",
                     "homeDirectory": r"\\dc1\home\alice", "homeDrive": "H:"}),
    User("bob", "ordinary, no group but Domain Users, no userPrincipalName"),
    User("nested_da", "Domain Admins by nesting", member_of=("admins-outer",),
         tgt_groups=("admins-outer", "admins-inner", "Domain Admins")),
    User("denied", "in the Denied RODC Password Replication Group",
         member_of=("Denied RODC Password Replication Group",)),
    User("denied_nested", "in the Denied RODC group through a global group", member_of=("never-to-the-cloud",),
         tgt_groups=("never-to-the-cloud",)),
    User("builtin_op", "BUILTIN\\Account Operators by nesting only", member_of=("helpdesk-tier2",),
         tgt_groups=("helpdesk-tier2", "helpdesk")),
    User("unlisted", "on neither list: not in Domain Users", member_of=("externals",), primary_group="externals"),
    User("disabled", "account disabled", user_account_control=UF_NORMAL_ACCOUNT | UF_ACCOUNTDISABLE),
    User("locked", "locked out", locked_out=True),
    User("expired", "account expired", attributes={"accountExpires": "132223104000000000"}),
    User("no_hours", "no logon hour at all", attributes={"logonHours": bytes(21)}),
    User("password_expired", "password older than the domain's maximum age", password_age_days=100),
    User("must_change", "must change the password at the next logon", must_change_password=True),
    User("protected", "in Protected Users: 4 hours, not forwardable", member_of=(PROTECTED_USERS,),
         tgt_groups=(PROTECTED_USERS,)),
    User("notdelegated", "NOT_DELEGATED: not forwardable",
         user_account_control=UF_NORMAL_ACCOUNT | UF_NOT_DELEGATED),
    User("smartcard", "smart card required: served",
         user_account_control=UF_NORMAL_ACCOUNT | UF_SMARTCARD_REQUIRED),
    User("upn_foreign", "userPrincipalName with a suffix that is not the domain's",
         attributes={"userPrincipalName": "upn_foreign@contoso.example"}),
    User("müller", "Latin name beyond ASCII", key="mueller"),
    User("田中", "non-Latin name", key="tanaka", member_of=("staff",), tgt_groups=("staff", "all-staff", "everywhere")),
    User("many", "200 groups", member_of=tuple(MANY), tgt_groups=tuple(MANY)),
    User("syncer", "may have every secret replicated, through a group", member_of=("directory-sync",),
         tgt_groups=("directory-sync",)),
    User("branch_writer", "may write a list of a branch, through a group", member_of=("branch-writers",),
         tgt_groups=("branch-writers",)),
    User("branch_owner", "owns the krbtgt account of a branch"),
    User("delegating", "trusted for delegation to any service",
         user_account_control=UF_NORMAL_ACCOUNT | UF_TRUSTED_FOR_DELEGATION),
    User("formerly_admin", "adminCount left over", attributes={"adminCount": "1"}),
    User("MSOL_0123456789ab", "called as Entra Connect calls its account", key="connector"),
    User("short", "an enforced authentication policy: 2 hours", policy=TWO_HOURS),
    User("short_protected", "Protected Users, with a policy of 6 hours in place of their 4", policy=SIX_HOURS,
         member_of=(PROTECTED_USERS,), tgt_groups=(PROTECTED_USERS,)),
    User("vaulted", "in an enforced silo of 2 hours, which its own policy gives way to", policy=DEVICES, silo=VAULT),
    User("stranger", "names a silo that does not list it: its own policy of 6 hours", policy=SIX_HOURS, silo=VAULT,
         stranger=True),
    User("audited", "a policy that is not enforced", policy=AUDITED),
    User("watched", "in a silo that is not enforced, which its own policy gives way to", policy=DEVICES, silo=WATCHED),
    User("device", "may sign in from certain devices only", policy=DEVICES),
    User("hidden", "a policy that the daemon may not read", policy=HIDDEN),
    User("switched", "a policy that a test enforces", policy=SWITCHED),
    User("mover", "moved into a denied group by a test"),
    User("deep_denied", "in the Denied RODC group through five others", member_of=("deep-denied-5",),
         tgt_groups=tuple(f"deep-denied-{number}" for number in range(1, 6))),
    User("deep_allowed", "in the Allowed RODC group through five others, and not in Domain Users",
         member_of=("deep-allowed-5", "externals"), primary_group="externals",
         tgt_groups=tuple(f"deep-allowed-{number}" for number in range(1, 6))),
    User("circle_denied", "in a circle of groups, one of them in the Denied RODC group", member_of=("circle-denied-1",),
         tgt_groups=tuple(f"circle-denied-{number}" for number in range(1, 4))),
    User("circle_allowed", "in a circle of groups, one of them in the Allowed RODC group, and not in Domain Users",
         member_of=("circle-allowed-1", "externals"), primary_group="externals",
         tgt_groups=tuple(f"circle-allowed-{number}" for number in range(1, 4))),
    User("circle_unlisted", "in a circle of groups that leads nowhere, and not in Domain Users",
         member_of=("circle-unlisted-1", "externals"), primary_group="externals",
         tgt_groups=("circle-unlisted-1", "circle-unlisted-2")),
    User("primary_denied", "in the Denied RODC group through the primary group alone",
         member_of=("never-to-the-cloud",), primary_group="never-to-the-cloud"),
    User("crowded", "in a group of 1,500 others, which is in the Denied RODC group", member_of=("crowd",),
         tgt_groups=("crowd",)),
    User("WS1$", "a computer", key="computer", object_class="computer",
         user_account_control=UF_WORKSTATION_TRUST_ACCOUNT),
]

# DS-Replication-Get-Changes and DS-Replication-Get-Changes-All.
REPLICATION_RIGHTS = ("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")
REPLICATORS = "directory-sync"

# msDS-NeverRevealGroup, which these may write of the branch `proposed`, and who owns its krbtgt account.
NEVER_REVEAL_ATTRIBUTE = "15585999-fd49-4d66-b25d-eeb96aba8174"
BRANCH_WRITERS, BRANCH_OWNER = "branch-writers", "branch_owner"

# RIDs and SIDs of the lists that Entra's AzureADKerberos gets by default, and the group that every domain has to
# allow more.
DENIED_RODC_PASSWORD_REPLICATION_GROUP, ALLOWED_RODC_PASSWORD_REPLICATION_GROUP, DOMAIN_USERS = 572, 571, 513
NEVER_REVEAL = (DENIED_RODC_PASSWORD_REPLICATION_GROUP,
                "S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549", "S-1-5-32-551")


@dataclass
class Branch:
    name: str
    number: int
    krbtgt: str
    computer: str
    never_reveal: tuple = NEVER_REVEAL
    reveal_on_demand: tuple = (DOMAIN_USERS, ALLOWED_RODC_PASSWORD_REPLICATION_GROUP)
    linked: bool = True
    user_account_control: int = (UF_WORKSTATION_TRUST_ACCOUNT | UF_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION
                                 | UF_PARTIAL_SECRETS_ACCOUNT)
    fault: str | None = None


BRANCHES = [
    Branch("azuread", 30775, "krbtgt_AzureAD", "AzureADKerberos"),
    # From 0x8000 on, kvno is a negative INTEGER on the wire.
    Branch("high", 46673, "krbtgt_high", "RODC-HIGH"),
    # For changes of its lists.
    Branch("proposed", 20004, "krbtgt_proposed", "RODC-PROPOSED"),
    Branch("no_link", 20001, "krbtgt_no_link", "RODC-NOLINK", linked=False, fault="no msDS-KrbTgtLink"),
    Branch("no_partial_secrets", 20002, "krbtgt_no_partial", "RODC-NOPARTIAL",
           user_account_control=UF_WORKSTATION_TRUST_ACCOUNT, fault="no UF_PARTIAL_SECRETS_ACCOUNT"),
    # A container has no SID; nor, on a real domain, has what was deleted since.
    Branch("unresolvable", 20003, "krbtgt_unresolvable", "RODC-UNRESOLVABLE",
           never_reveal=(*NEVER_REVEAL, "CN=Computers,DC=lab,DC=example"), fault="a list value without a SID"),
]
