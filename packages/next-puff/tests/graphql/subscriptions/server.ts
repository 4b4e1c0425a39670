import type { GraphQLRouteOptions } from 'next-puff/graphql';
import { graphqlRoute, type PuffSchema } from 'next-puff/graphql';
import { serveGraphqlRoute } from '../../../dist/graphql/route/native-route.js';
import { closeServer, startNativeServer } from '../../../dist/server/native-server.js';

/** A schema behind the native server, without Next.js. */
export class SubscriptionServer {
  /** For WebSockets. */
  readonly url: string;
  readonly #id: number;

  private constructor(id: number, url: string) {
    this.#id = id;
    this.url = url;
  }

  static async start<Context>(
    schema: PuffSchema<Context>,
    options: GraphQLRouteOptions = {},
  ): Promise<SubscriptionServer> {
    const { id, addresses } = await startNativeServer({ listen: [{ host: '127.0.0.1', port: 0 }] });
    await serveGraphqlRoute(id, '/graphql', {
      ...graphqlRoute(schema, options),
    });
    return new SubscriptionServer(id, `ws://${addresses[0]}/graphql`);
  }

  stop(): void {
    closeServer(this.#id);
  }
}
