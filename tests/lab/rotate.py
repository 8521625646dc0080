#!/usr/bin/python3
"""rotate.py DIR KEYTAB: changes the key of `krbtgt`, or of the branch of this name, in the lab in DIR, which may be running.

KEYTAB is the name of a keytab of the lab's, such as `azuread`. The new key is put behind the old ones in it, as whoever
keeps the previous key does, and the branch's new version into `lab.json`.
"""

import json
import os
import sys

import ldb
from samba import dckeytab  # noqa: F401  (adds `export_keytab` to Net)
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

# Of the keytab's format.
MAGIC = b"\x05\x02"


def main():
    folder, name = sys.argv[1:]
    os.umask(0o077)
    description = os.path.join(folder, "lab.json")
    with open(description, encoding="utf-8") as file:
        lab = json.load(file)
    lp = LoadParm()
    lp.load(os.path.join(folder, "etc/smb.conf"))
    db = SamDB(os.path.join(folder, "private/sam.ldb"), session_info=system_session(lp), lp=lp)

    branch = lab["branches"].get(name)
    account, principal = (f"krbtgt_{branch['number']}",) * 2 if branch else ("krbtgt", f"krbtgt/{lab['realm']}")
    change(db, account)
    add_keys(Net(None, lp), f"{principal}@{lab['realm']}", os.path.join(folder, "keytabs", f"{name}.keytab"))
    if branch:
        branch["key_version"] = version(db, account)
        branch["kvno"] = branch["number"] << 16 | branch["key_version"]
        write(description, (json.dumps(lab, indent=1, ensure_ascii=False) + "\n").encode())


def change(db, account):
    """Samba draws the key of a krbtgt account itself, whatever the password."""
    message = ldb.Message(db.search(db.domain_dn(), ldb.SCOPE_SUBTREE, f"(sAMAccountName={account})", [])[0].dn)
    message["clearTextPassword"] = ldb.MessageElement(
        "unused".encode("utf-16-le"), ldb.FLAG_MOD_REPLACE, "clearTextPassword")
    db.modify(message)


def version(db, account):
    found = db.search(db.domain_dn(), ldb.SCOPE_SUBTREE, f"(sAMAccountName={account})", ["msDS-KeyVersionNumber"])
    return int(found[0]["msDS-KeyVersionNumber"][0])


def add_keys(net, principal, path):
    exported = f"{path}.new"
    if os.path.exists(exported):
        os.remove(exported)
    net.export_keytab(keytab=exported, principal=principal)
    with open(path, "rb") as file:
        old = file.read()
    with open(exported, "rb") as file:
        new = file.read()
    assert old.startswith(MAGIC) and new.startswith(MAGIC), "a keytab of another format"
    write(path, old + new.removeprefix(MAGIC))
    os.remove(exported)


def write(path, octets):
    """Whole or not at all: a daemon may be about to read it."""
    with open(f"{path}.written", "wb") as file:
        file.write(octets)
    os.rename(f"{path}.written", path)


if __name__ == "__main__":
    main()
