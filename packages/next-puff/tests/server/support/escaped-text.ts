/** Text in which `\r`, `\n`, `\t` and `\xHH` mean what they mean in JavaScript. */
export function unescapeText(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex, letter) =>
    hex === undefined
      ? ({ n: '\n', r: '\r', t: '\t' }[letter as string] ?? letter)
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
