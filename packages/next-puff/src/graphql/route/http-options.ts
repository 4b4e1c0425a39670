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
}
