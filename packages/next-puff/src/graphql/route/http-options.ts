/**
 * The options of an endpoint as the native core reads them:
 * `packages/core-native/crates/puff-graphql/src/http/options.rs`.
 */
export interface HttpOptionsSpec {
  maxBodyBytes: number;
  csrfPrevention: boolean;
  methods: readonly ('GET' | 'POST')[];
  persisted: { automatic: boolean; maxEntries?: number; maxBytes?: number };
  trustedDocuments: Readonly<Record<string, string>>;
  onlyTrusted: boolean;
  playground: 'graphiql' | 'sandbox' | false;
  explain: boolean;
  subscriptions: SubscriptionsSpec;
}

/** How clients that stay connected are served; the core's defaults for what is not given. */
export interface SubscriptionsSpec {
  initTimeoutMs?: number;
  keepAliveMs?: number;
  maxOperations?: number;
  maxBufferedBytes?: number;
  checksConnections: boolean;
}
