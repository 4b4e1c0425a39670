import {
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import { PuffError } from '../../errors.js';
import { ADAPTER_NAME } from '../../prisma/adapter.js';

const IDENTITY = { provider: 'postgres', adapterName: ADAPTER_NAME } as const;

function refuse(): never {
  throw new PuffError('PUFF_PRISMA_ENGINE_UNUSABLE', 'The schema engine asked for a database.', {
    operation: 'migrate',
  });
}

const database: SqlDriverAdapter = {
  ...IDENTITY,
  /** All that the engine asks when it starts: is the schema there, and which PostgreSQL is it? */
  queryRaw: async ({ sql }) => {
    if (!sql.includes('server_version_num')) refuse();
    return {
      columnNames: ['exists', 'version', 'numeric_version'],
      columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
      rows: [[true, 'PostgreSQL 18.0', 180000]],
    };
  },
  executeRaw: async () => refuse(),
  executeScript: async () => refuse(),
  startTransaction: async () => refuse(),
  getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
  dispose: async () => {},
};

/** For comparing two schema files: the engine connects to a database before it knows whether it needs one. */
export const offlineAdapterFactory: SqlMigrationAwareDriverAdapterFactory = {
  ...IDENTITY,
  connect: async () => database,
  connectToShadowDb: async () => refuse(),
};
