"""Everything this package raises on purpose. Each class has a stable `code`, never reused, and says what to do next.

KeysError
├── NoPassphrase          no passphrase was given, or it cannot be read
├── WrongPassphrase       the passphrase does not open the key file
├── WeakPassphrase        too short to protect a new key
├── NoSuchKey             the keystore holds no such key
├── KeyExists             the keystore holds it already; a key file is never overwritten
├── UnsafePermissions     somebody else could read a key or a passphrase
├── InvalidKeyFile        not a key file, or one that is damaged, or asks for too much memory
├── InvalidKey            not 32 bytes, zero, or beyond the curve's order
├── InvalidSigning        the signature or the digest is not well formed
├── InvalidTransaction    a field of a transaction is out of range
├── TokenUnavailable      the PKCS#11 token is not there, does not answer, or its library cannot be loaded
├── WrongPin              the token refused the PIN; it is not tried a second time
├── PinLocked             the token takes no PIN any more, or only one wrong one
├── UnfitToken            the token cannot make or keep such a key, or would give it away
└── InvalidNote           a signed note, or a note key, that is malformed or not signed as it says
"""

from typing import Any, ClassVar


class KeysError(Exception):
    """Base of all. `detail` is a sentence for a person, `facts` JSON values for a program; neither holds a secret."""

    code: ClassVar[str] = "keys-error"
    title: ClassVar[str] = "A key could not be used"
    title_zh: ClassVar[str] = "密钥无法使用"
    remedy: ClassVar[str] = "Read the detail."

    def __init__(self, detail: str = "", /, *, remedy: str | None = None, **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts
        self.next_step = remedy or self.remedy


class NoPassphrase(KeysError):
    code = "no-passphrase"
    title = "No passphrase was given"
    title_zh = "未提供口令"
    remedy = "Give a file descriptor or a file of mode 0600, or run in a terminal to be asked."


class WrongPassphrase(KeysError):
    code = "wrong-passphrase"
    title = "The passphrase does not open this key file"
    title_zh = "口令错误"
    remedy = "Use the passphrase the key file was created with; without it the key is lost and must be retired."


class WeakPassphrase(KeysError):
    code = "weak-passphrase"
    title = "The passphrase is too short"
    title_zh = "口令过短"
    remedy = "Use at least 12 characters, or let the product generate a passphrase."


class NoSuchKey(KeysError):
    code = "no-such-key"
    title = "The keystore holds no such key"
    title_zh = "密钥库中没有该密钥"
    remedy = "List the keystore's keys, or point to the keystore that holds this one."


class KeyExists(KeysError):
    code = "key-exists"
    title = "The keystore holds this key already"
    title_zh = "密钥已存在"
    remedy = "Use the key as it is; to replace its file, move the old one away first."


class UnsafePermissions(KeysError):
    code = "unsafe-permissions"
    title = "Somebody else could read this file"
    title_zh = "文件权限不安全"
    remedy = "Run `chmod 600` on the file (`chmod 700` on a folder) as its owner; if others had access, retire the key."


class InvalidKeyFile(KeysError):
    code = "invalid-key-file"
    title = "Not a usable key file"
    title_zh = "密钥文件无效"
    remedy = "Give a Web3 Secret Storage version 3 file, or restore it from a backup."


class InvalidKey(KeysError):
    code = "invalid-key"
    title = "Not a private key"
    title_zh = "私钥无效"
    remedy = "Give 32 bytes, not zero and below the curve's order."


class InvalidSigning(KeysError):
    code = "invalid-signing"
    title = "The signature or digest is not well formed"
    title_zh = "签名或摘要格式无效"
    remedy = "Give a 32-byte digest and a 65-byte signature r, s, v with low s and v 27 or 28."


class InvalidTransaction(KeysError):
    code = "invalid-transaction"
    title = "The transaction cannot be signed"
    title_zh = "交易字段无效"
    remedy = "Correct the named field."


class TokenUnavailable(KeysError):
    code = "token-unavailable"
    title = "The PKCS#11 token does not answer"
    title_zh = "密码设备不可用"
    remedy = "Check that the token is there, with SHARELEDGER_PKCS11_MODULE and SHARELEDGER_PKCS11_TOKEN naming it."


class WrongPin(KeysError):
    code = "wrong-pin"
    title = "The PIN is wrong"
    title_zh = "PIN 码错误"
    remedy = "Correct the PIN, then start again; each wrong one brings the token nearer to locking itself."


class PinLocked(KeysError):
    code = "pin-locked"
    title = "The token takes no PIN now"
    title_zh = "密码设备已锁定或即将锁定"
    remedy = "Log in once with the maker's own tool, which counts the tries anew, or have the token unlocked."


class UnfitToken(KeysError):
    code = "unfit-token"
    title = "The token cannot keep a key as this product needs it"
    title_zh = "密码设备不满足要求"
    remedy = "Use a token with secp256k1 and CKM_ECDSA that keeps keys sensitive and not extractable."


class InvalidNote(KeysError):
    code = "invalid-note"
    title = "The note is malformed, or not signed as it says"
    title_zh = "签名文本无效"
    remedy = "Fetch the note again from its source; do not trust its text."
