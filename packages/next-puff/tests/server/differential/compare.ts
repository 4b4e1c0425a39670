import type { RequestLine } from './case-file.ts';
import type { Outcome } from './exchange.ts';
import { EXEMPTIONS, streamedParts, VARIABLE_HEADER_TEXTS, VARIABLE_TEXTS } from './exemptions.ts';

/** A part of an answer that differs: its name, and both values. */
type Difference = readonly [what: string, text: string];

/** Tells in what two answers to the same request differ; nothing if they mean the same. */
export function differences(request: RequestLine, expected: Outcome, actual: Outcome): string[] {
  const exempt = EXEMPTIONS.filter(({ when }) => when?.(request, expected, actual) ?? true);
  const names = new Set(exempt.map(({ what }) => what));
  // Whether it is answered at all is exempt.
  if (names.has('outcome')) return [];
  const found = compareOutcomes(expected, actual).filter(([what]) => !names.has(what));
  return found.map(([what, text]) => `${what}: ${text}`);
}

type Answered = Exclude<Outcome, { failure: string }>;

function compareOutcomes(expected: Outcome, actual: Outcome): Difference[] {
  if ('failure' in expected || 'failure' in actual) {
    return compareValues('outcome', failureOf(expected), failureOf(actual));
  }
  const [one, other] = [expected.response, actual.response];
  return [
    ...compareValues('version', one.version, other.version),
    ...compareValues('status', one.status, other.status),
    ...compareValues('reason', one.reason, other.reason),
    ...compareHeaders(expected, actual),
    ...compareValues('interim', one.interim.map(summary), other.interim.map(summary)),
    ...compareValues('trailers', fields(one.trailers), fields(other.trailers)),
    ...compareValues('complete', one.isComplete, other.isComplete),
    ...compareBodies(textOf(expected.body), textOf(actual.body)),
  ];
}

function failureOf(outcome: Outcome): string {
  return 'failure' in outcome ? outcome.failure : `answered ${outcome.response.status}`;
}

function summary({ status, headers }: Pick<Answered['response'], 'status' | 'headers'>): unknown[] {
  return [status, ...fields(headers)];
}

function fields(headers: Answered['response']['headers']): string[] {
  return headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
}

function compareHeaders(expected: Answered, actual: Answered): Difference[] {
  const [one, other] = [grouped(expected.response), grouped(actual.response)];
  const names = [...new Set([...one.keys(), ...other.keys()])].sort();
  return names.flatMap((name) => compareValues(name, one.get(name), other.get(name)));
}

function grouped({ headers }: Answered['response']): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const text = normalize(value, VARIABLE_HEADER_TEXTS);
    byName.set(key, [...(byName.get(key) ?? []), text]);
  }
  return byName;
}

function textOf(body: Buffer): string {
  return normalize(body.toString('latin1'), VARIABLE_TEXTS);
}

function normalize(text: string, variable: typeof VARIABLE_TEXTS): string {
  return variable.reduce((so, { pattern, becomes }) => so.replace(pattern, becomes), text);
}

function compareBodies(one: string, other: string): Difference[] {
  if (one === other || streamedParts(one) === streamedParts(other)) return [];
  let at = 0;
  while (one[at] === other[at]) at++;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 40), at + 120));
  const lengths = `${one.length} and ${other.length} bytes, from byte ${at} on`;
  return [['body', `${lengths}: ${around(one)} is ${around(other)}`]];
}

function compareValues(what: string, one: unknown, other: unknown): Difference[] {
  const [expected, actual] = [JSON.stringify(one), JSON.stringify(other)];
  return expected === actual ? [] : [[what, `${expected ?? 'absent'} is ${actual ?? 'absent'}`]];
}
