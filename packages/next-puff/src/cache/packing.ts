import { Buffer } from 'node:buffer';

/**
 * How a value is divided into parts: their number, the length of each, then the parts; little-endian words of 32 bits, then
 * bytes. `packing.rs` reads the same.
 */

const WORD = 4;

/** Makes one value of parts; texts become UTF-8. */
export function pack(parts: readonly (string | Uint8Array)[]): Buffer {
  const header = WORD * (1 + parts.length);
  const lengths = parts.map((part) =>
    typeof part === 'string' ? Buffer.byteLength(part) : part.byteLength,
  );
  const value = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, header));
  let at = value.writeUInt32LE(parts.length, 0);
  for (const length of lengths) at = value.writeUInt32LE(length, at);
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') value.write(part, at);
    else value.set(part, at);
    at += lengths[index] as number;
  }
  return value;
}

/**
 * The parts of a value, which share its memory.
 *
 * @throws RangeError when the value was not made by {@link pack}
 */
export function unpack(value: Buffer): Buffer[] {
  const count = value.readUInt32LE(0);
  let begin = WORD * (1 + count);
  if (begin > value.length) throw new RangeError('the value has fewer parts than it says');
  const parts: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const end = begin + value.readUInt32LE(WORD * (1 + index));
    if (end > value.length) throw new RangeError('a part of the value is cut off');
    parts.push(value.subarray(begin, end));
    begin = end;
  }
  return parts;
}
