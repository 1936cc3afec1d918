"""What can be wrong with a request before the product is asked anything. Each class carries its HTTP status.

HttpError
├── MalformedJson           400  the body is not JSON as this API reads it
├── MalformedHeader         400  a header that cannot be understood
├── MalformedRequest        400  not HTTP as this server reads it
├── NoSuchPath              404
├── MethodNotAllowed        405
├── SlowRequest             408  the request came too slowly
├── TargetTooLong           414  path and query
├── UnsupportedMediaType    415
├── WrongDigest             422  the body is not what its Content-Digest says
├── TooManyRequests         429  of one API key, or refused ones of one address; `retry_after` in the facts
├── HeadersTooLarge         431
├── OutOfTime               503  the request took longer than it may
├── Busy                    503  others have all the places there are
└── InternalError           500  a defect; the log knows more under the request id
"""

from typing import ClassVar

from ledger.errors import ShareLedgerError


class HttpError(ShareLedgerError):
    status: ClassVar[int] = 400


class MalformedJson(HttpError):
    code = "malformed-json"
    title = "The body is not valid JSON"
    title_zh = "请求体不是有效的 JSON"
    remedy = "Send one JSON object in UTF-8, without duplicate members, NaN or nesting beyond the stated depth."


class MalformedHeader(HttpError):
    code = "malformed-header"
    title = "A request header cannot be understood"
    title_zh = "请求头无效"
    remedy = "Correct or leave out the named header."


class MalformedRequest(HttpError):
    code = "malformed-request"
    title = "The request is not valid HTTP"
    title_zh = "请求不是有效的 HTTP"
    remedy = "Send one request after the other, each with one Content-Length or chunked, never both (RFC 9112)."


class NoSuchPath(HttpError):
    status = 404
    code = "no-such-path"
    title = "No such path"
    title_zh = "路径不存在"
    remedy = "See /openapi.json for every path; in a path, write the / of a code as ~."


class MethodNotAllowed(HttpError):
    status = 405
    code = "method-not-allowed"
    title = "This path does not take this method"
    title_zh = "不支持该方法"
    remedy = "Use a method that the Allow header names."


class SlowRequest(HttpError):
    status = 408
    code = "slow-request"
    title = "The request came too slowly"
    title_zh = "请求发送过慢"
    remedy = "Send it again, faster, on a new connection; nothing of it was done."


class TargetTooLong(HttpError):
    status = 414
    code = "target-too-long"
    title = "Path and query are too long"
    title_zh = "请求地址过长"
    remedy = "Shorten the query; what is large belongs into a body."


class UnsupportedMediaType(HttpError):
    status = 415
    code = "unsupported-media-type"
    title = "The body's type is not one this path reads"
    title_zh = "不支持的内容类型"
    remedy = "Send the Content-Type that the detail names, without Content-Encoding."


class WrongDigest(HttpError):
    status = 422
    code = "wrong-content-digest"
    title = "The body is not what its Content-Digest says"
    title_zh = "请求体与 Content-Digest 不符"
    remedy = "The body was damaged on its way, or the header is of another file: send it again."


class TooManyRequests(HttpError):
    status = 429
    code = "too-many-requests"
    title = "Too many requests"
    title_zh = "请求过于频繁"
    remedy = "Wait as long as Retry-After says; send many acts in one POST /v1/acts instead of one by one."


class HeadersTooLarge(HttpError):
    status = 431
    code = "headers-too-large"
    title = "The request's headers are too large"
    title_zh = "请求头过大"
    remedy = "Send fewer or shorter headers."


class OutOfTime(HttpError):
    status = 503
    code = "out-of-time"
    title = "The request took longer than it may"
    title_zh = "请求超时"
    remedy = "Send it again with the same Idempotency-Key; what was acknowledged before is not done twice."


class Busy(HttpError):
    status = 503
    code = "busy"
    title = "All places for such work are taken"
    title_zh = "系统繁忙"
    remedy = "Send it again after what Retry-After says."


class InternalError(HttpError):
    status = 500
    code = "internal-error"
    title = "Something went wrong on our side"
    title_zh = "服务器内部错误"
    remedy = "Report the request id; with the same Idempotency-Key the request can be sent again."
