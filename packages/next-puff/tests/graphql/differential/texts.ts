import type { Random } from '../support/random.ts';

const TEXTS = [
  '',
  'plain',
  'two words',
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  '  indented\n    more\n  ',
  'tab\tand \u0007 bell',
  'ÄÖÜ ß',
  '日本語',
  '😀 outside the plane',
  'triple """ quotes',
  '# no comment',
  '{ braces } $dollar',
];

/** A text, often one that is easy to write or to escape wrongly. */
export function anyText(random: Random): string {
  return random.chance(0.5) ? `text ${random.below(1000)}` : random.pick(TEXTS);
}
