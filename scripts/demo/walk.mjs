import { isDeepStrictEqual } from 'node:util';
import { Browser } from './browser.mjs';

/** A sample question of the seed that is open and has three choices. */
const SAMPLE = 'Window seat or aisle?';

/**
 * Walks through the app at `origin` as visitors without JavaScript and programs would, says line by line what it saw,
 * and answers the lines that differed from what they should be.
 */
export async function walk(origin) {
  const account = new Account();
  const chapters = [
    ['Look around', lookAround],
    ['Vote', vote],
    ['Ask, and close', askAndClose],
    ['JSON', json],
    ['GraphQL', graphql],
    ['Many at once', manyAtOnce],
    ['What caches and the lost get', cachesAndErrors],
  ];
  for (const [title, chapter] of chapters) {
    account.begin(title);
    try {
      await chapter(origin, account);
    } catch (error) {
      account.differs(`could not go on: ${error.stack ?? error}`);
    }
  }
  return account.differences;
}

/** What was seen, and what of it differed. */
class Account {
  #chapter = '';
  differences = [];

  begin(chapter) {
    this.#chapter = chapter;
    console.log(chapter);
  }

  /** Notes that `actual` is as expected, or that it is not. */
  equal(what, actual, expected) {
    if (isDeepStrictEqual(actual, expected)) console.log(`  ✓ ${what}: ${show(actual)}`);
    else this.differs(`${what}: ${show(actual)} instead of ${show(expected)}`);
  }

  /** Notes that something holds; `seen` says what was there. */
  holds(what, holds, seen) {
    if (holds) console.log(`  ✓ ${what}`);
    else this.differs(`${what}: no, ${show(seen)}`);
  }

  differs(line) {
    console.log(`  ✗ ${line}`);
    this.differences.push(`${this.#chapter}: ${line}`);
  }
}

async function lookAround(origin, account) {
  const health = await getJson(origin, '/api/health');
  account.equal('/api/health', [health.status, health.body.status], [200, 'up']);

  const browser = new Browser(origin);
  const home = await browser.open('/');
  account.equal(
    'home page',
    [home.status, home.document.first('h1').text],
    [200, 'What does everyone think?'],
  );
  const cards = home.document.all('article');
  account.equal('questions on the first page', cards.length, 12);
  account.holds(
    'each with its votes and choices',
    cards.every((card) => /[\d,]+ votes? · \d+ choices/.test(card.text)),
    cards.map((card) => card.text),
  );

  const closed = await browser.open('/?status=closed');
  const pills = closed.document.all('article').map((card) => card.children[0].first('span').text);
  account.holds(
    `${pills.length} closed ones by themselves`,
    pills.length > 0 && pills.every((pill) => pill === 'Closed'),
    pills,
  );
}

async function vote(origin, account) {
  const id = await sampleId(origin);
  const before = await question(origin, id);
  const [first, second] = before.choices;

  const browser = new Browser(origin);
  await browser.open('/');
  const poll = await openSample(browser, id);
  account.equal('the poll', [poll.status, poll.document.first('h1').text], [200, SAMPLE]);
  const labels = poll.document.all('label').map((label) => label.text);
  account.equal(
    'its choices',
    labels,
    before.choices.map((choice) => choice.text),
  );

  const empty = await browser.submit('Vote');
  account.equal('a vote for nothing', alert(empty), 'Pick one of the answers first.');
  account.equal('votes after it', await votes(origin, id), tally(before));

  await browser.open(`/polls/${id}`);
  const results = await browser.submit('Vote', { choice: first.id });
  account.equal(`a vote for “${first.text}” goes on`, results.redirects, [
    { status: 303, location: `/polls/${id}/results?vote=counted` },
  ]);
  account.equal(
    'which says',
    results.document.first('p', { role: 'status' })?.text,
    'Thank you, your vote is counted.',
  );
  const bar = resultOf(results, first.text);
  account.equal('its votes in the page', bar?.votes, first.votes + 1);
  account.equal('marked as mine', bar?.isMine, true);
  account.equal('its votes in JSON', (await votes(origin, id))[first.text], first.votes + 1);

  const again = await openSample(browser, id);
  const checked = again.document.first('input', { type: 'radio', checked: true });
  account.equal('the poll remembers', checked?.attributes.value, String(first.id));
  const changed = await browser.submit('Change my vote', { choice: second.id });
  account.equal(
    'another vote',
    changed.document.first('p', { role: 'status' })?.text,
    'Your vote is changed.',
  );
  const after = tally(before);
  after[second.text] += 1;
  account.equal('moves the one vote', await votes(origin, id), after);

  const foreign = await browser
    .open(`/polls/${id}`)
    .then(() => browser.submit('Change my vote', { choice: 2_000_000_000 }));
  account.equal(
    'a vote for no choice of this poll',
    alert(foreign),
    'Pick one of the answers first.',
  );
}

async function askAndClose(origin, account) {
  const author = new Browser(origin);
  await author.open('/');
  const form = await author.follow('Ask a question');
  account.equal('the form', [form.status, form.document.first('h1').text], [200, 'Ask a question']);

  const incomplete = await author.submit('Publish', {
    text: '  ',
    choice: ['Only one', '', '', ''],
  });
  account.equal('an incomplete question', faults(incomplete), [
    'Write the question.',
    'Give at least 2 choices.',
  ]);
  account.equal(
    'what was typed is kept',
    incomplete.document.all('input', { name: 'choice' })[0]?.attributes.value,
    'Only one',
  );

  const text = `Is <b>this</b> & "that" fine? (asked ${new Date().toISOString()})`;
  const choices = ["It's fine", '<script>alert(1)</script>', 'Ünïcödé 🗳️'];
  const poll = await author.submit('Publish', { text, choice: [...choices, ''] });
  account.equal(
    'a complete one becomes',
    [poll.redirects[0]?.status, poll.document.first('h1').text],
    [303, text],
  );
  account.equal(
    'with',
    poll.document.all('label').map((label) => label.text),
    choices,
  );
  const id = Number(/\/polls\/(\d+)$/.exec(poll.url)?.[1]);
  const home = await author.open('/');
  account.equal('first on the home page', home.document.first('h2').text, text);
  account.equal('in JSON', (await question(origin, id)).text, text);

  await author.open('/polls/new');
  const repeated = await author.submit('Publish', { text, choice: choices });
  account.equal('asked again', faults(repeated), [`“${text}” has been asked already.`]);

  const stranger = new Browser(origin);
  const seen = await stranger.open(`/polls/${id}`);
  account.equal('a stranger cannot close it', buttons(seen), ['Vote']);
  const openTab = stranger.form('Vote');
  const own = await author.open(`/polls/${id}`);
  account.equal('its author can', buttons(own), ['Vote', 'Close this poll']);
  const closed = await author.submit('Close this poll');
  account.holds(
    'and does',
    /closed on \d/.test(closed.document.first('main').text),
    closed.document.first('main').text,
  );
  account.equal('closed in JSON', (await question(origin, id)).status, 'closed');
  const { id: choiceId } = (await question(origin, id)).choices[0];
  const late = await stranger.send(openTab, { choice: choiceId });
  account.equal('a vote from an open tab', late.redirects, []);
  account.equal('is not counted', (await question(origin, id)).choices[0].votes, 0);
}

async function json(origin, account) {
  const text = `Does JSON work? (asked ${new Date().toISOString()})`;
  const created = await postJson(origin, '/api/questions', { text, choices: ['Yes', 'No'] });
  account.equal('POST /api/questions', [created.status, created.body.text], [201, text]);
  const { location } = created;
  const found = await getJson(origin, location);
  account.equal(`GET ${location}`, [found.status, found.body], [200, created.body]);

  const [yes, no] = created.body.choices;
  const voted = await postJson(origin, `${location}/votes`, { choiceId: yes.id });
  account.equal(
    'POST a vote',
    [voted.status, voted.body.outcome, voted.body.question?.choices[0].votes],
    [201, 'counted', 1],
  );
  const { voterId } = voted.body;
  const changed = await postJson(origin, `${location}/votes`, { choiceId: no.id, voterId });
  account.equal(
    'the same voter again',
    [
      changed.status,
      changed.body.outcome,
      changed.body.question?.choices.map((choice) => choice.votes),
    ],
    [200, 'changed', [0, 1]],
  );

  const refusals = [
    ['the same question', '/api/questions', { text, choices: ['Yes', 'No'] }, 409, /asked already/],
    ['no text, one choice', '/api/questions', { choices: ['Yes'] }, 400, /not complete/],
    ['no JSON', '/api/questions', 'text=hello', 400, /not JSON/],
    ['a list', '/api/questions', [], 400, /must be a JSON object/],
    ['a vote for nothing', `${location}/votes`, {}, 400, /choiceId/],
    ['a vote by nobody', `${location}/votes`, { choiceId: yes.id, voterId: 'me' }, 400, /UUID/],
    [
      'a vote for no choice of it',
      `${location}/votes`,
      { choiceId: 2_000_000_000 },
      400,
      /has no choice/,
    ],
    [
      'a vote for no question',
      '/api/questions/2000000000/votes',
      { choiceId: yes.id },
      404,
      /no question/,
    ],
  ];
  for (const [what, path, body, status, detail] of refusals) {
    const answer = await postJson(origin, path, body);
    account.equal(what, answer.status, status);
    const { message } = answer.body.error ?? {};
    account.holds(`  says “${message}”`, detail.test(message), answer.body);
  }
  const unknown = await getJson(origin, '/api/questions/2000000000');
  account.equal('GET a question that is not there', unknown.status, 404);
  const malformed = await getJson(origin, '/api/questions/1%20or%201=1');
  account.equal('GET with an id that is none', malformed.status, 400);
  const page = await getJson(origin, '/api/questions?page=0');
  account.equal('GET page 0', page.status, 400);

  const csv = await fetch(`${origin}/api/questions/export`);
  const lines = (await csv.text()).split('\r\n');
  account.equal(
    'CSV',
    [csv.status, csv.headers.get('content-type'), lines[0]],
    [200, 'text/csv; charset=utf-8', 'question_id,question,status,published_at,choice,votes'],
  );
  const mine = lines
    .filter((line) => line.includes(text))
    .map((line) => line.replace(/^.*,"(\w+)",/, '$1 '));
  account.equal('the new question in it', mine, ['Yes 0', 'No 1']);
}

async function graphql(origin, account) {
  const id = await sampleId(origin);
  const before = await question(origin, id);
  const browser = new Browser(origin);
  await browser.open('/');
  const explore = await browser.follow('Explore');
  account.equal(
    'the page',
    [explore.status, explore.document.first('h1').text],
    [200, 'Explore the polls'],
  );
  const found = await browser.open('/explore?search=WINDOW+SEAT');
  const [card] = found.document.all('article');
  account.equal('a search finds', card?.first('h2').text, SAMPLE);
  account.equal(
    'with its votes',
    card?.all('button').map((button) => Number(/([\d,]+) votes?/.exec(button.text)?.[1])),
    before.choices.map((choice) => choice.votes),
  );

  const post = (query, variables) => postJson(origin, '/api/graphql', { query, variables });
  const { body } = await post(
    `query ($id: Int!) { question(id: $id) { text choices { id text votes } } }`,
    { id },
  );
  account.equal('a question', body, {
    data: { question: { text: SAMPLE, choices: before.choices } },
  });
  const vote = `mutation ($questionId: Int!, $choiceId: Int!) {
    vote(questionId: $questionId, choiceId: $choiceId) { outcome question { myChoice { text votes } } }
  }`;
  const [{ id: choiceId, text, votes }] = before.choices;
  const voted = await post(vote, { questionId: id, choiceId });
  account.equal('a vote', voted.body, {
    data: { vote: { outcome: 'COUNTED', question: { myChoice: { text, votes: votes + 1 } } } },
  });
  account.equal('its votes in JSON', (await question(origin, id)).choices[0].votes, votes + 1);
  const refused = await post(vote, { questionId: id, choiceId: 2_000_000_000 });
  account.equal(
    'a vote for no choice of it',
    [refused.body.data, refused.body.errors?.[0]?.message],
    [null, `Question ${id} has no choice 2000000000.`],
  );
  const hidden = await post('{ __schema { queryType { name } } }');
  account.holds('no schema in production', hidden.body.data === undefined, hidden.body);
}

async function manyAtOnce(origin, account) {
  const text = `How many at once? (asked ${new Date().toISOString()})`;
  const { body, location } = await postJson(origin, '/api/questions', {
    text,
    choices: ['One', 'Many'],
  });
  const many = body.choices[1];
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => postJson(origin, `${location}/votes`, { choiceId: many.id })),
  );
  account.equal(
    '200 votes at once, answered 201',
    answers.filter((answer) => answer.status === 201).length,
    200,
  );
  account.equal('all counted', (await getJson(origin, location)).body.choices[1].votes, 200);

  const same = `Who is first? (asked ${new Date().toISOString()})`;
  const races = await Promise.all(
    Array.from({ length: 10 }, () =>
      postJson(origin, '/api/questions', { text: same, choices: ['A', 'B'] }),
    ),
  );
  const statuses = races.map((race) => race.status).sort();
  account.equal('one question asked ten times at once', statuses, [201, ...Array(9).fill(409)]);
}

async function cachesAndErrors(origin, account) {
  const browser = new Browser(origin);
  const home = await browser.open('/');
  account.holds(
    'the home page is not stored',
    /no-store/.test(home.headers.get('cache-control')),
    home.headers.get('cache-control'),
  );
  const form = await browser.open('/polls/new');
  const etag = form.headers.get('etag');
  const unchanged = await browser.request('/polls/new', {
    headers: { 'if-none-match': etag ?? '', 'cache-control': 'max-age=0' },
  });
  account.equal(
    'the prerendered form, asked for again',
    [unchanged.status, await unchanged.text()],
    [304, ''],
  );
  const style = home.document.first('link', { rel: 'stylesheet' })?.attributes.href;
  const css = await browser.request(style);
  await css.arrayBuffer();
  account.holds(
    `${style} for ever`,
    css.status === 200 && /immutable/.test(css.headers.get('cache-control')),
    css.status,
  );

  // Where a page finds out that there is nothing to show, Next.js leaves the text to JavaScript: the title tells.
  for (const path of [
    '/polls/2000000000',
    '/polls/none',
    '/polls/2000000000/results',
    '/nowhere',
  ]) {
    const lost = await browser.open(path);
    account.equal(
      path,
      [lost.status, lost.document.first('title')?.text],
      [404, 'Not found · Polls'],
    );
  }
  account.equal('which says', browser.page.document.first('h1')?.text, 'There is no such page');
  const back = await browser.follow('See all questions');
  account.equal('the way back', [back.status, new URL(back.url).pathname], [200, '/']);
}

async function sampleId(origin) {
  for (let page = 1; ; page++) {
    const { body } = await getJson(origin, `/api/questions?page=${page}`);
    const sample = body.questions.find((candidate) => candidate.text === SAMPLE);
    if (sample) return sample.id;
    if (body.questions.length === 0) throw new Error(`The seed has no question “${SAMPLE}”.`);
  }
}

/** Opens the sample by its link, going through the pages of the list as far as needed. */
async function openSample(browser, id) {
  await browser.open('/');
  while (!browser.page.document.all('a').some((a) => a.attributes.href === `/polls/${id}`))
    await browser.follow('Older');
  return browser.follow(SAMPLE);
}

async function question(origin, id) {
  return (await getJson(origin, `/api/questions/${id}`)).body;
}

async function votes(origin, id) {
  return tally(await question(origin, id));
}

function tally({ choices }) {
  return Object.fromEntries(choices.map((choice) => [choice.text, choice.votes]));
}

function alert(page) {
  return page.document.first('*', { role: 'alert' })?.text;
}

/** The messages beside the fields of the question form. */
function faults(page) {
  return page.document
    .all('p')
    .filter((p) => p.attributes.id?.endsWith('-fault') && p.text !== '')
    .map((p) => p.text);
}

function buttons(page) {
  return page.document.all('button').map((button) => button.text);
}

/** A choice's line in the results page. */
function resultOf(page, text) {
  const line = page.document.all('li').find((item) => item.text.startsWith(text));
  if (!line) return undefined;
  const [, count] = /([\d,]+) votes?/.exec(line.text) ?? [];
  return { votes: Number(count?.replaceAll(',', '')), isMine: line.text.includes('Your vote') };
}

async function getJson(origin, path) {
  return read(await fetch(new URL(path, origin), { signal: AbortSignal.timeout(30_000) }));
}

/** Posts JSON; a string is sent as it is. */
async function postJson(origin, path, body) {
  const response = await fetch(new URL(path, origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  return read(response);
}

async function read(response) {
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { error: { message: text.slice(0, 500) } };
  }
  return { status: response.status, location: response.headers.get('location'), body };
}

function show(value) {
  const text = typeof value === 'string' ? `“${value}”` : JSON.stringify(value);
  return text === undefined ? 'nothing' : text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
