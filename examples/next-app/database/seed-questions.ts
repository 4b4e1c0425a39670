/** A question to seed: its choices with the votes each has. Times are in UTC. */
export interface SeedQuestion {
  text: string;
  status: 'open' | 'closed';
  publishedAt: string;
  closedAt: string | null;
  choices: [text: string, votes: number][];
}

/** The questions that every seeded database has, newest first on the home page in the reverse of this order. */
export const SAMPLE_QUESTIONS: SeedQuestion[] = [
  closed(
    '2026-01-12T09:00:00Z',
    '2026-01-26T09:00:00Z',
    'What should the office plant be called?',
    [
      ['Robert Plant', 61],
      ['Fern Gully', 27],
      ['Chlorophyll Collins', 48],
      ['It has a name, ask it', 12],
    ],
  ),
  open('2026-01-20T08:30:00Z', 'Tabs or spaces?', [
    ['Tabs', 88],
    ['Spaces', 93],
    ['Whatever the formatter says', 141],
  ]),
  open('2026-02-02T10:15:00Z', 'Which number does an array start with?', [
    ['0', 167],
    ['1', 31],
    ['It depends on the day', 22],
  ]),
  closed('2026-02-09T12:00:00Z', '2026-02-13T17:00:00Z', 'Where shall we have the spring dinner?', [
    ['The Thai place by the river', 34],
    ['Pizza, as always', 29],
    ['Somebody’s roof', 41],
  ]),
  open('2026-02-18T07:45:00Z', 'How do you take your coffee?', [
    ['Black', 72],
    ['With milk', 66],
    ['With oat milk', 39],
    ['As tea', 58],
  ]),
  open('2026-02-27T16:20:00Z', 'When is the best time to deploy?', [
    ['Monday morning', 54],
    ['Any time, that is what the tests are for', 97],
    ['Friday at five', 25],
  ]),
  open('2026-03-04T11:00:00Z', 'What makes a code review good?', [
    ['It is small', 83],
    ['It is kind', 62],
    ['It is quick', 44],
    ['It asks questions', 71],
    ['It is somebody else’s', 19],
  ]),
  closed('2026-03-10T09:30:00Z', '2026-03-17T09:30:00Z', 'Keep the Wednesday stand-up?', [
    ['Keep it', 18],
    ['Write it down instead', 52],
  ]),
  open('2026-03-16T13:10:00Z', 'Which century would you visit for a week?', [
    ['The 15th', 33],
    ['The 19th', 38],
    ['The 23rd', 86],
    ['This one is quite enough', 47],
  ]),
  open('2026-03-23T08:00:00Z', 'Window seat or aisle?', [
    ['Window', 124],
    ['Aisle', 79],
    ['The train’s dining car', 65],
  ]),
  open('2026-03-30T18:40:00Z', 'What should we learn together next?', [
    ['How PostgreSQL plans a query', 57],
    ['Rust, from the start', 74],
    ['Typography', 36],
    ['Bread', 68],
  ]),
  open('2026-04-07T10:05:00Z', 'What’s up?', [
    ['Not much', 21],
    ['The sky', 34],
    ['Just hacking again', 55],
  ]),
];

const SUBJECTS = [
  'a bicycle',
  'a long walk',
  'an old map',
  'a quiet room',
  'a good knife',
  'a dictionary',
  'a telescope',
];
const PLACES = [
  'by the sea',
  'in the mountains',
  'in a big city',
  'on a night train',
  'in a village',
  'at home',
];
const ANSWERS = ['Always', 'Often', 'Now and then', 'Rarely', 'Never', 'Ask me later'];

/** As many made-up questions as asked for, the same ones every time. */
export function generatedQuestions(count: number): SeedQuestion[] {
  const questions: SeedQuestion[] = [];
  for (let number = 1; number <= count; number++) {
    const random = randomNumbers(number);
    const text = `No. ${number}: would you want ${pick(SUBJECTS, random)} ${pick(PLACES, random)}?`;
    const choiceCount = 2 + Math.floor(random() * 5);
    const choices = ANSWERS.slice(0, choiceCount).map((answer): [string, number] => [
      answer,
      Math.floor(random() ** 2 * 60),
    ]);
    // Before the samples, which stay on the first page.
    const publishedAt = new Date(Date.UTC(2026, 0, 1) - number * 3 * 60 * 60 * 1000);
    if (random() < 0.25) {
      const closedAt = new Date(publishedAt.getTime() + 7 * 24 * 60 * 60 * 1000);
      questions.push(closed(publishedAt.toISOString(), closedAt.toISOString(), text, choices));
    } else questions.push(open(publishedAt.toISOString(), text, choices));
  }
  return questions;
}

function open(publishedAt: string, text: string, choices: SeedQuestion['choices']): SeedQuestion {
  return { text, status: 'open', publishedAt, closedAt: null, choices };
}

function closed(
  publishedAt: string,
  closedAt: string,
  text: string,
  choices: SeedQuestion['choices'],
): SeedQuestion {
  return { text, status: 'closed', publishedAt, closedAt, choices };
}

function pick(list: string[], random: () => number): string {
  return list[Math.floor(random() * list.length)] ?? '';
}

/** Mulberry32: small, and good enough to look random. */
function randomNumbers(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
