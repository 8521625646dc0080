#!/usr/bin/python3
"""grant.py DIR add|remove ACE: one entry, in SDDL, of the DACL of the domain's head in the lab in DIR."""

import os
import sys

from samba.auth import system_session
from samba.dcerpc import security
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils


def main():
    folder, verb, ace = sys.argv[1:]
    lp = LoadParm()
    lp.load(os.path.join(folder, "etc/smb.conf"))
    db = SamDB(os.path.join(folder, "private/sam.ldb"), session_info=system_session(lp), lp=lp)
    head, utils = str(db.domain_dn()), SDUtils(db)
    if verb == "add":
        utils.dacl_add_ace(head, ace)
        return
    # Samba 4.17 does not find entries to delete by their value.
    descriptor = utils.read_sd_on_dn(head)
    for entry in security.descriptor.from_sddl(f"D:{ace}", utils.domain_sid).dacl.aces:
        descriptor.dacl_del_ace(entry)
    utils.modify_sd_on_dn(head, descriptor)


if __name__ == "__main__":
    main()
