import base64
import hashlib
import hmac
import time

TOLERANCE = 5 * 60  # seconds that the clocks may differ, and that a message may be old


def verify(secret, headers, body):
    """Tell whether a request is genuine.

    body is its bytes as they came, headers a mapping with names in lower case,
    secret is whsec_….
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    if not key:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    want = b"v1," + base64.b64encode(digest)
    return any(
        hmac.compare_digest(got.encode(), want)  # in constant time
        for got in headers.get("webhook-signature", "").split()
    )
