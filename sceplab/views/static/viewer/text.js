// Bytes as text: hex, ASCII, base64, PEM, and the names of tags.

import { tagEnd } from "./scan.js";

/**
 * The bytes of a trait.
 * @param {DataView<ArrayBuffer> | null} view null where it is empty
 */
export function bytesOf(view) {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array();
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
}

/** @param {Uint8Array} bytes */
export function ascii(bytes) {
  return Array.from(bytes, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("");
}

/** @param {Uint8Array} bytes */
export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x6000) text += String.fromCharCode(...bytes.subarray(i, i + 0x6000));
  return btoa(text);
}

/** @type {Record<string, string>} */
const PEM = {
  Certificate: "CERTIFICATE", CertificationRequest: "CERTIFICATE REQUEST", ContentInfo: "CMS",
  CertificateList: "X509 CRL", SubjectPublicKeyInfo: "PUBLIC KEY",
};

/**
 * @param {Uint8Array} bytes
 * @param {string} type the name of an ASN.1 type
 */
export function pem(bytes, type) {
  const label = PEM[type] ?? type.toUpperCase();
  return `-----BEGIN ${label}-----\n${base64(bytes).match(/.{1,64}/g)?.join("\n") ?? ""}\n-----END ${label}-----\n`;
}

/** The kind of value, for its colour: "oid", "number" (also times), "text" or "bytes", by the first byte of the tag.
 * @param {number} tag
 */
export function kindOf(tag) {
  if (tag === 6 || tag === 13) return "oid";
  if ([1, 2, 10, 23, 24].includes(tag)) return "number";
  return [12, 18, 19, 20, 22, 26, 28, 30].includes(tag) ? "text" : "bytes";
}

/** @type {Record<number, string>} */
const TAGS = {
  1: "BOOLEAN", 2: "INTEGER", 3: "BIT STRING", 4: "OCTET STRING", 5: "NULL", 6: "OBJECT IDENTIFIER", 10: "ENUMERATED",
  12: "UTF8String", 16: "SEQUENCE", 17: "SET", 18: "NumericString", 19: "PrintableString", 20: "T61String",
  22: "IA5String", 23: "UTCTime", 24: "GeneralizedTime", 26: "VisibleString", 28: "UniversalString", 30: "BMPString",
};

/**
 * The name of the tag at an offset, as X.680 writes it.
 * @param {Uint8Array} bytes
 * @param {number} at
 */
export function tagName(bytes, at) {
  const first = bytes[at];
  let number = first & 0x1f;
  if (number === 0x1f) {
    const end = Math.min(tagEnd(bytes, at), bytes.length, at + 9);
    number = 0;
    for (let i = at + 1; i < end; i++) number = number * 128 + (bytes[i] & 0x7f);
  }
  const kind = ["UNIVERSAL ", "APPLICATION ", "", "PRIVATE "][first >> 6];
  return first < 0x40 && TAGS[number] ? TAGS[number] : `[${kind}${number}]`;
}
