// The forms in which an element can be copied, and how a text or a file leaves the page.

import { make } from "../page.js";
import { TEXT } from "./scan.js";
import { base64, hex, pem } from "./text.js";

/** @import { Buffer, Content } from "./content.js" */

export const FORMS = {
  hex: "hex", base64: "base64", pem: "PEM", value: "value", path: "path", python: "Python", openssl: "openssl command",
};

/** @typedef {keyof typeof FORMS} Form */

/**
 * An element in one of the forms.
 * @param {Content} content
 * @param {Buffer} buffer
 * @param {number} i
 * @param {Form} form
 */
export function written(content, buffer, i, form) {
  const { tree, bytes } = buffer, start = tree.start[i], end = tree.end[i], raw = bytes.subarray(start, end);
  const { type, value } = content.label(buffer, i);
  switch (form) {
    case "hex": return hex(raw);
    case "base64": return base64(raw);
    case "pem": return pem(raw, type || "ASN1");
    case "value": return value || hex(bytes.subarray(tree.content[i], end));
    case "path": return content.path(buffer, i);
    case "python": return raw.length <= 256
      ? `bytes.fromhex("${hex(raw)}")`
      : `base64.b64decode("${base64(raw)}")`;
    case "openssl": return tree.flags[i] & TEXT
      ? `openssl base64 -d -A -in ${buffer.title}.txt`
      : `openssl asn1parse -inform DER -in ${buffer.title}.der -offset ${start} -length ${end - start}`;
  }
}

/**
 * Put a text on the clipboard.
 * @param {string} text
 * @param {HTMLElement} root an element of the page
 */
export async function copy(text, root) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure origin there is no clipboard API: the old way.
    const area = make("textarea", "live", {});
    area.value = text;
    root.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/**
 * Let the browser save bytes as a file.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} name
 */
export function save(bytes, name) {
  const link = make("a", "", { download: name });
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
