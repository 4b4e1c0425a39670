import { type AuditResult, serverAudits } from 'graphql-http';
import { defineSchema, graphqlRoute } from 'next-puff/graphql';
import { RouteServer } from './route-server.ts';

const schema = defineSchema({
  typeDefs: 'type Query { hello: String }',
  // Two of the checks ask for a type.
  introspection: true,
});

let server: RouteServer;

beforeAll(async () => {
  server = await RouteServer.start(graphqlRoute(schema));
});
afterAll(() => server.stop());

const audits = serverAudits({ url: () => server.url });

test('the audit has all its checks', () => {
  expect(audits.length).toBeGreaterThanOrEqual(61);
});

test.each(audits.map((audit) => [audit.id, audit.name, audit] as const))(
  '%s %s',
  async (_id, _name, audit) => {
    const result: AuditResult = await audit.fn();
    const reason = 'reason' in result ? result.reason : undefined;
    expect([result.status, reason]).toEqual(['ok', undefined]);
  },
);
