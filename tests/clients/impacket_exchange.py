#!/usr/bin/env python3
"""Trades a partial TGT for a full one with nothing but impacket's ASN.1, encryption and PAC code.

Mints the partial TGT as Entra does, sends one TGS-REQ and prints the reply as one JSON object:
`{"error": CODE, "name": ..., "e_data": HEX|null}` for a KRB-ERROR, otherwise `reply` (the decrypted
EncTGSRepPart) and, where the domain's krbtgt key is given, `ticket` with its PAC. Exit status 0 for either;
anything else that happens is a failure. The options leave out or falsify one thing each.

Needs impacket 0.13.1 (`tests/run` makes the environment). Never used for anything but tests.
"""

import argparse
import calendar
import datetime
import json
import os
import secrets
import socket
import struct

from impacket.dcerpc.v5.dtypes import NULL, SID
from impacket.krb5 import asn1, constants, pac
from impacket.krb5.crypto import Enctype, Key, _checksum_table, _enctype_table
from impacket.krb5.keytab import Keytab
from impacket.krb5.types import KerberosTime
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import Integer, SequenceOf, noValue

# RFC 4120 7.5.1
TICKET, TGS_REQ_AUTHENTICATOR_CHECKSUM, TGS_REQ_AUTHENTICATOR = 2, 6, 7
TGS_REP_SESSION_KEY, TGS_REP_SUBKEY, PAC_SIGNATURE = 8, 9, 17
AD_IF_RELEVANT, AD_WIN2K_PAC = 1, 128
KERB_KEY_LIST_REQ, PA_PAC_OPTIONS = 161, 167
FORWARDABLE, RENEWABLE, CANONICALIZE, ENC_PA_REP = 1, 8, 15, 15
AES256 = int(Enctype.AES256)
CHECKSUM_AES256 = 16
NEVER = 0x7FFF_FFFF_FFFF_FFFF


def main():
    arguments = parse_arguments()
    krbtgt_azure_ad, kvno = branch_key(arguments)
    session_key = Key(Enctype.AES256, secrets.token_bytes(32))
    subkey = Key(Enctype.AES256, secrets.token_bytes(32)) if arguments.subkey else None
    ticket = partial_tgt(arguments, krbtgt_azure_ad, kvno, session_key)
    request = tgs_req(arguments, ticket, session_key, subkey)
    if arguments.request_out:
        with open(arguments.request_out, "wb") as file:
            file.write(request)
    reply = send(arguments.kdc, arguments.transport, request)
    print(json.dumps(describe(reply, session_key, subkey, krbtgt_key(arguments)), ensure_ascii=False))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kdc", required=True, metavar="HOST:PORT")
    parser.add_argument("--transport", choices=("tcp", "udp"), default="tcp")
    parser.add_argument("--realm", required=True)
    parser.add_argument("--user", required=True, help="sAMAccountName, the ticket's cname")
    parser.add_argument("--sid", required=True, help="the account's SID, for LOGON_INFO and REQUESTOR")
    parser.add_argument("--requestor", metavar="SID", help="another SID for REQUESTOR alone")
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--keytab", help="of krbtgt_AzureAD; its kvno is the ticket's")
    key.add_argument("--key", metavar="HEX", help="AES-256 key of krbtgt_AzureAD")
    parser.add_argument("--kvno", type=int, help="the ticket's, number << 16 | version; overrides the keytab's")
    parser.add_argument("--unsigned-kvno", action="store_true",
                        help="write a kvno from 2**31 on in five octets, not as the negative number Windows writes")
    parser.add_argument("--krbtgt-keytab", help="of the domain's krbtgt: the full TGT is decrypted too")
    parser.add_argument("--service", help="ask for this service (name/host) instead of krbtgt")
    parser.add_argument("--lifetime", type=int, default=36_000, metavar="SECONDS")
    parser.add_argument("--start", type=int, default=0, metavar="SECONDS", help="starttime, relative to now")
    parser.add_argument("--skew", type=int, default=0, metavar="SECONDS", help="of the authenticator's ctime")
    parser.add_argument("--no-pac", action="store_true")
    parser.add_argument("--no-requestor", action="store_true")
    parser.add_argument("--bad-pac-signature", action="store_true")
    parser.add_argument("--no-checksum", action="store_true", help="authenticator without a checksum of the body")
    parser.add_argument("--bad-checksum", action="store_true")
    parser.add_argument("--subkey", action="store_true", help="authenticator with a subkey")
    parser.add_argument("--key-list", action="store_true", help="add KERB-KEY-LIST-REQ")
    parser.add_argument("--request-out", metavar="FILE", help="also write the TGS-REQ there")
    return parser.parse_args()


def branch_key(arguments):
    if arguments.key:
        if arguments.kvno is None:
            raise SystemExit("--key needs --kvno")
        return Key(Enctype.AES256, bytes.fromhex(arguments.key)), arguments.kvno
    entry = keytab_entry(arguments.keytab)
    kvno = entry.kvno if arguments.kvno is None else arguments.kvno
    return Key(Enctype.AES256, entry.main_part["keyblock"]["keyvalue"]["data"]), kvno


def krbtgt_key(arguments):
    if not arguments.krbtgt_keytab:
        return None
    return Key(Enctype.AES256, keytab_entry(arguments.krbtgt_keytab).main_part["keyblock"]["keyvalue"]["data"])


def keytab_entry(path):
    for entry in Keytab.loadFile(path).entries:
        if entry.main_part["keyblock"]["keytype"] == AES256:
            return entry
    raise SystemExit(f"{path}: no AES-256 key")


# The partial TGT


def partial_tgt(arguments, key, kvno, session_key):
    authtime = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    starttime = authtime + datetime.timedelta(seconds=arguments.start)
    endtime = starttime + datetime.timedelta(seconds=arguments.lifetime)
    part = asn1.EncTicketPart()
    part["flags"] = constants.encodeFlags([FORWARDABLE, RENEWABLE, ENC_PA_REP])
    part["key"] = noValue
    part["key"]["keytype"] = AES256
    part["key"]["keyvalue"] = session_key.contents
    part["crealm"] = arguments.realm
    set_name(part, "cname", 1, [arguments.user])
    part["transited"] = noValue
    part["transited"]["tr-type"] = 0
    part["transited"]["contents"] = b""
    for field, moment in (("authtime", authtime), ("starttime", starttime), ("endtime", endtime),
                          ("renew-till", endtime)):
        part[field] = KerberosTime.to_asn1(moment)
    if not arguments.no_pac:
        part["authorization-data"] = noValue
        add_authorization_data(part["authorization-data"], AD_IF_RELEVANT,
                               win2k_pac(partial_pac(arguments, authtime, key)))

    ticket = asn1.Ticket()
    ticket["tkt-vno"] = 5
    ticket["realm"] = arguments.realm
    set_name(ticket, "sname", 2, ["krbtgt", arguments.realm])
    if kvno >= 1 << 31 and not arguments.unsigned_kvno:
        kvno -= 1 << 32
    set_encrypted(ticket, "enc-part", key, TICKET, encoder.encode(part), kvno)
    return ticket


def win2k_pac(data):
    elements = asn1.AuthorizationData()
    add_authorization_data(elements, AD_WIN2K_PAC, data)
    return encoder.encode(elements)


def partial_pac(arguments, authtime, key):
    """The buffers that Entra's partial TGT is known to have, signed twice with the branch key."""
    domain_sid, rid = arguments.sid.rsplit("-", 1)
    logon_info = validation_info(arguments.user, arguments.realm.split(".")[0], domain_sid, int(rid))
    client_info = pac.PAC_CLIENT_INFO()
    client_info["ClientId"] = (calendar.timegm(authtime.timetuple()) + 11_644_473_600) * 10_000_000
    client_info["Name"] = arguments.user.encode("utf-16-le")
    client_info["NameLength"] = len(client_info["Name"])
    attributes = pac.PAC_ATTRIBUTE_INFO()
    attributes["FlagsLength"] = 2
    attributes["Flags"] = 1
    signature = pac.PAC_SIGNATURE_DATA()
    signature["SignatureType"] = CHECKSUM_AES256
    signature["Signature"] = bytes(12)
    buffers = {
        pac.PAC_LOGON_INFO: logon_info.getData() + logon_info.getDataReferents(),
        pac.PAC_CLIENT_INFO_TYPE: client_info.getData(),
        pac.PAC_ATTRIBUTES_INFO: attributes.getData(),
    }
    if not arguments.no_requestor:
        requestor = pac.PAC_REQUESTOR()
        requestor["UserSid"] = SID()
        requestor["UserSid"].fromCanonical(arguments.requestor or arguments.sid)
        buffers[pac.PAC_REQUESTOR_INFO] = requestor.getData()
    buffers[pac.PAC_SERVER_CHECKSUM] = signature.getData()
    buffers[pac.PAC_PRIVSVR_CHECKSUM] = signature.getData()
    signed = pac.sign_pac(buffers, aes_key=key.contents).getData()
    if arguments.bad_pac_signature:
        place = signed.index(buffers[pac.PAC_SERVER_CHECKSUM]) + 4
        signed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1:]
    return signed


def validation_info(user, domain, domain_sid, rid):
    info = pac.KERB_VALIDATION_INFO()
    for field in ("LogonTime", "PasswordLastSet", "PasswordCanChange", "LastSuccessfulILogon", "LastFailedILogon"):
        set_filetime(info[field], 0)
    for field in ("LogoffTime", "KickOffTime", "PasswordMustChange"):
        set_filetime(info[field], NEVER)
    info["EffectiveName"] = user
    for field in ("FullName", "LogonScript", "ProfilePath", "HomeDirectory", "HomeDirectoryDrive", "LogonServer"):
        info[field] = ""
    info["UserId"] = rid
    info["PrimaryGroupId"] = 513
    for field in ("LogonCount", "BadPasswordCount", "GroupCount", "UserFlags", "SubAuthStatus", "FailedILogonCount",
                  "Reserved3", "SidCount", "ResourceGroupCount"):
        info[field] = 0
    for field in ("GroupIds", "ExtraSids", "ResourceGroupDomainSid", "ResourceGroupIds"):
        info[field] = NULL
    info["UserSessionKey"] = bytes(16)
    info["LMKey"] = bytes(8)
    info["LogonDomainName"] = domain
    info["LogonDomainId"].fromCanonical(domain_sid)
    info["UserAccountControl"] = 0x10
    wrapped = pac.VALIDATION_INFO()
    wrapped["Data"] = info
    return wrapped


# The request


def tgs_req(arguments, ticket, session_key, subkey):
    now = datetime.datetime.now(datetime.timezone.utc)
    request = asn1.TGS_REQ()
    request["pvno"] = 5
    request["msg-type"] = 12
    body = asn1.seq_set(request, "req-body")
    body["kdc-options"] = constants.encodeFlags([FORWARDABLE, RENEWABLE, CANONICALIZE])
    body["realm"] = arguments.realm
    set_name(body, "sname", 2, arguments.service.split("/") if arguments.service else ["krbtgt", arguments.realm])
    body["till"] = KerberosTime.to_asn1(now + datetime.timedelta(days=1))
    body["rtime"] = KerberosTime.to_asn1(now + datetime.timedelta(days=7))
    body["nonce"] = secrets.randbits(31)
    asn1.seq_set_iter(body, "etype", (18, 17, 23))

    authenticator = asn1.Authenticator()
    authenticator["authenticator-vno"] = 5
    authenticator["crealm"] = arguments.realm
    set_name(authenticator, "cname", 1, [arguments.user])
    if not arguments.no_checksum:
        checksum = _checksum_table[CHECKSUM_AES256].checksum(
            session_key, TGS_REQ_AUTHENTICATOR_CHECKSUM, body_as_sent(body))
        if arguments.bad_checksum:
            checksum = bytes([checksum[0] ^ 1]) + checksum[1:]
        authenticator["cksum"] = noValue
        authenticator["cksum"]["cksumtype"] = CHECKSUM_AES256
        authenticator["cksum"]["checksum"] = checksum
    authenticator["cusec"] = now.microsecond
    authenticator["ctime"] = KerberosTime.to_asn1(now + datetime.timedelta(seconds=arguments.skew))
    if subkey:
        authenticator["subkey"] = noValue
        authenticator["subkey"]["keytype"] = AES256
        authenticator["subkey"]["keyvalue"] = subkey.contents
    authenticator["seq-number"] = int(body["nonce"])

    ap_req = asn1.AP_REQ()
    ap_req["pvno"] = 5
    ap_req["msg-type"] = 14
    ap_req["ap-options"] = constants.encodeFlags([])
    asn1.seq_set(ap_req, "ticket", lambda component: copy_fields(ticket, component))
    set_encrypted(ap_req, "authenticator", session_key, TGS_REQ_AUTHENTICATOR, encoder.encode(authenticator))

    padata = [(1, encoder.encode(ap_req))]
    if arguments.key_list:
        padata.append((KERB_KEY_LIST_REQ, encoder.encode([23], asn1Spec=SequenceOf(componentType=Integer()))))
    # Branch-Aware ([MS-KILE] 2.2.10)
    padata.append((PA_PAC_OPTIONS, bytes.fromhex("3009a00703050040000000")))
    request["padata"] = noValue
    for position, (kind, value) in enumerate(padata):
        request["padata"][position] = noValue
        request["padata"][position]["padata-type"] = kind
        request["padata"][position]["padata-value"] = value
    return encoder.encode(request)


def body_as_sent(body):
    """The KDC-REQ-BODY without its context tag [4], which the checksum does not cover."""
    tagged = encoder.encode(body)
    header = 2 if tagged[1] < 0x80 else 2 + (tagged[1] & 0x7F)
    return tagged[header:]


def send(kdc, transport, request):
    host, port = kdc.rsplit(":", 1)
    if transport == "udp":
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(5)
            udp.connect((host.strip("[]"), int(port)))
            udp.send(request)
            return udp.recv(65_535)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=5) as tcp:
        tcp.sendall(struct.pack(">I", len(request)) + request)
        (length,) = struct.unpack(">I", receive(tcp, 4))
        return receive(tcp, length)


def receive(tcp, length):
    data = b""
    while len(data) < length:
        piece = tcp.recv(length - len(data))
        if not piece:
            raise SystemExit("the KDC closed the connection")
        data += piece
    return data


# The reply


def describe(reply, session_key, subkey, krbtgt):
    if reply[0] == 0x7E:
        error = decoder.decode(reply, asn1Spec=asn1.KRB_ERROR())[0]
        code = int(error["error-code"])
        names = {value.value: value.name for value in constants.ErrorCodes}
        e_data = bytes(error["e-data"]).hex() if error["e-data"].hasValue() else None
        return {"error": code, "name": names.get(code), "e_data": e_data, "length": len(reply)}
    message = decoder.decode(reply, asn1Spec=asn1.TGS_REP())[0]
    key, usage = (subkey, TGS_REP_SUBKEY) if subkey else (session_key, TGS_REP_SESSION_KEY)
    part = decoder.decode(decrypt(message["enc-part"], key, usage), asn1Spec=asn1.EncTGSRepPart())[0]
    ticket = message["ticket"]
    described = {
        "error": None,
        "length": len(reply),
        "crealm": str(message["crealm"]),
        "cname": names_of(message["cname"]),
        "reply": {
            **times_of(part), "key_etype": int(part["key"]["keytype"]), "nonce": int(part["nonce"]),
            "srealm": str(part["srealm"]), "sname": names_of(part["sname"]),
        },
        "ticket": {
            "realm": str(ticket["realm"]), "sname": names_of(ticket["sname"]),
            "etype": int(ticket["enc-part"]["etype"]), "kvno": int(ticket["enc-part"]["kvno"]),
        },
    }
    if krbtgt and described["ticket"]["sname"][0] == "krbtgt":
        described["ticket"].update(describe_ticket(ticket, krbtgt, part))
    return described


def describe_ticket(ticket, krbtgt, reply_part):
    part = decoder.decode(decrypt(ticket["enc-part"], krbtgt, TICKET), asn1Spec=asn1.EncTicketPart())[0]
    relevant = [decoder.decode(bytes(element["ad-data"]), asn1Spec=asn1.AuthorizationData())[0]
                for element in part["authorization-data"] if int(element["ad-type"]) == AD_IF_RELEVANT]
    pacs = [bytes(element["ad-data"]) for elements in relevant for element in elements
            if int(element["ad-type"]) == AD_WIN2K_PAC]
    return {
        **times_of(part), "crealm": str(part["crealm"]), "cname": names_of(part["cname"]),
        "same_session_key": bytes(part["key"]["keyvalue"]) == bytes(reply_part["key"]["keyvalue"]),
        "pacs": len(pacs),
        "pac": describe_pac(pacs[0], krbtgt) if pacs else None,
    }


def describe_pac(data, krbtgt):
    kind = pac.PACTYPE(data)
    infos = [pac.PAC_INFO_BUFFER(data[8 + 16 * index:]) for index in range(kind["cBuffers"])]
    buffers = {info["ulType"]: data[info["Offset"]:info["Offset"] + info["cbBufferSize"]] for info in infos}
    zeroed = bytearray(data)
    for info in infos:
        if info["ulType"] in (pac.PAC_SERVER_CHECKSUM, pac.PAC_PRIVSVR_CHECKSUM):
            zeroed[info["Offset"] + 4:info["Offset"] + info["cbBufferSize"]] = bytes(info["cbBufferSize"] - 4)
    server, kdc = (buffers[key][4:] for key in (pac.PAC_SERVER_CHECKSUM, pac.PAC_PRIVSVR_CHECKSUM))
    mac = _checksum_table[CHECKSUM_AES256]
    described = {
        "length": len(data), "buffers": [info["ulType"] for info in infos],
        "server_signature_valid": mac.checksum(krbtgt, PAC_SIGNATURE, bytes(zeroed)) == server,
        "kdc_signature_valid": mac.checksum(krbtgt, PAC_SIGNATURE, server) == kdc,
        **describe_logon_info(buffers[pac.PAC_LOGON_INFO]),
        "client_name": pac.PAC_CLIENT_INFO(buffers[pac.PAC_CLIENT_INFO_TYPE])["Name"].decode("utf-16-le"),
    }
    if pac.PAC_REQUESTOR_INFO in buffers:
        described["requestor"] = SID(buffers[pac.PAC_REQUESTOR_INFO]).formatCanonical()
    if pac.PAC_UPN_DNS_INFO in buffers:
        described["upn"], described["dns_domain"] = upn_dns_info(buffers[pac.PAC_UPN_DNS_INFO])
    if pac.PAC_ATTRIBUTES_INFO in buffers:
        described["attributes"] = list(struct.unpack("<II", buffers[pac.PAC_ATTRIBUTES_INFO][:8]))
    return described


def describe_logon_info(data):
    outer = pac.TypeSerialization1(data)
    info = pac.KERB_VALIDATION_INFO()
    # The referent of the top-level pointer is its first four octets.
    rest = data[len(outer) + 4:]
    info.fromString(rest)
    info.fromStringReferents(rest[len(info.getData()):])
    return {
        "effective_name": info["EffectiveName"], "full_name": info["FullName"],
        "logon_server": info["LogonServer"], "domain": info["LogonDomainName"],
        "domain_sid": info["LogonDomainId"].formatCanonical(), "user_id": info["UserId"],
        "primary_group_id": info["PrimaryGroupId"], "user_account_control": info["UserAccountControl"],
        "user_flags": info["UserFlags"],
        "groups": [group["RelativeId"] for group in info["GroupIds"]] if info["GroupCount"] else [],
        "extra_sids": ([extra["Sid"].formatCanonical() for extra in info["ExtraSids"]] if info["SidCount"] else []),
    }


def upn_dns_info(data):
    info = pac.UPN_DNS_INFO(data)

    def text(name):
        start = info[name + "Offset"]
        return data[start:start + info[name + "Length"]].decode("utf-16-le")

    return text("Upn"), text("DnsDomainName")


# Small things


def set_name(message, field, kind, components):
    message[field] = noValue
    message[field]["name-type"] = kind
    message[field]["name-string"] = noValue
    for position, component in enumerate(components):
        message[field]["name-string"][position] = component


def names_of(name):
    return [str(component) for component in name["name-string"]]


def set_filetime(field, value):
    field["dwLowDateTime"] = value & 0xFFFF_FFFF
    field["dwHighDateTime"] = value >> 32


def set_encrypted(message, field, key, usage, plain, kvno=None):
    message[field] = noValue
    message[field]["etype"] = int(key.enctype)
    if kvno is not None:
        message[field]["kvno"] = kvno
    message[field]["cipher"] = _enctype_table[key.enctype].encrypt(key, usage, plain, os.urandom(16))


def decrypt(encrypted, key, usage):
    return _enctype_table[key.enctype].decrypt(key, usage, bytes(encrypted["cipher"]))


def add_authorization_data(elements, kind, data):
    position = len(elements)
    elements[position] = noValue
    elements[position]["ad-type"] = kind
    elements[position]["ad-data"] = data


def copy_fields(source, target):
    for field in source:
        target[field] = source[field]
    return target


def times_of(part):
    fields = ("authtime", "starttime", "endtime", "renew-till")
    flags = int("".join(str(bit) for bit in part["flags"]).ljust(32, "0")[:32], 2)
    return {"flags": flags, **{field.replace("-", "_"): str(part[field]) if part[field].hasValue() else None
                               for field in fields}}


if __name__ == "__main__":
    main()
