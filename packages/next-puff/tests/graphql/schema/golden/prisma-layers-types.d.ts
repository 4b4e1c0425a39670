// Written by `next-puff generate`; changes are lost.

export type Role = 'ADMIN' | 'EDITOR' | 'READER';

export interface EverythingColumns {
  readonly id: number;
  readonly uuid: string | null;
  readonly bigint: bigint | null;
  readonly decimal: string | null;
  readonly timestamptz: Date | null;
  readonly role: Role | null;
  readonly [column: string]: unknown;
}

export interface PostColumns {
  readonly id: number;
  readonly title: string;
  readonly [column: string]: unknown;
}

export interface TagColumns {
  readonly id: number;
  readonly name: string;
  readonly [column: string]: unknown;
}

export interface UserColumns {
  readonly id: number;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly postCount: number;
  readonly roleOfManager: Role | null;
  readonly [column: string]: unknown;
}

/** The object types of the schema, for `defineSchema<Context, SchemaTypes>`. */
export interface SchemaTypes {
  Everything: {
    parent: EverythingColumns;
    fields: {
      id: {
        args: Record<never, never>;
        result: number;
      };
      uuid: {
        args: Record<never, never>;
        result: string | null;
      };
      bigint: {
        args: Record<never, never>;
        result: bigint | null;
      };
      decimal: {
        args: Record<never, never>;
        result: string | null;
      };
      timestamptz: {
        args: Record<never, never>;
        result: Date | null;
      };
      role: {
        args: Record<never, never>;
        result: Role | null;
      };
      twins: {
        args: Record<never, never>;
        result: readonly object[];
      };
    };
  };
  Mutation: {
    parent: Record<never, never>;
    fields: {
      addTag: {
        args: {
          readonly name: string;
        };
        result: object;
      };
      setRole: {
        args: {
          readonly id: number;
          readonly role: Role;
        };
        result: readonly object[];
      };
      remove: {
        args: {
          readonly id: number;
        };
        result: object | null;
      };
    };
  };
  Post: {
    parent: PostColumns;
    fields: {
      id: {
        args: Record<never, never>;
        result: number;
      };
      title: {
        args: Record<never, never>;
        result: string;
      };
      author: {
        args: Record<never, never>;
        result: object;
      };
    };
  };
  Query: {
    parent: Record<never, never>;
    fields: {
      users: {
        args: {
          readonly role?: Role | null;
          readonly roles?: Role[] | null;
          readonly ids?: number[] | null;
          readonly before?: Date | null;
          readonly name?: string | null;
          readonly after: number | null;
        };
        result: readonly object[];
      };
      byRoles: {
        args: {
          readonly roles: Role[];
        };
        result: readonly object[];
      };
      byIds: {
        args: {
          readonly ids: number[];
        };
        result: readonly object[];
      };
      user: {
        args: {
          readonly id: number;
        };
        result: object | null;
      };
      count: {
        args: {
          readonly role: Role;
        };
        result: number;
      };
      richer: {
        args: Record<never, never>;
        result: readonly object[];
      };
      named: {
        args: {
          readonly name: string;
        };
        result: readonly object[];
      };
      everything: {
        args: {
          readonly uuid?: string | null;
          readonly bigint?: bigint | null;
          readonly decimal?: string | null;
          readonly at?: Date | null;
          readonly flag?: boolean | null;
          readonly float?: number | null;
          readonly role?: Role | null;
        };
        result: readonly object[];
      };
    };
  };
  Tag: {
    parent: TagColumns;
    fields: {
      id: {
        args: Record<never, never>;
        result: number;
      };
      name: {
        args: Record<never, never>;
        result: string;
      };
    };
  };
  User: {
    parent: UserColumns;
    fields: {
      id: {
        args: Record<never, never>;
        result: number;
      };
      email: {
        args: Record<never, never>;
        result: string;
      };
      role: {
        args: Record<never, never>;
        result: Role;
      };
      createdAt: {
        args: Record<never, never>;
        result: Date;
      };
      posts: {
        args: Record<never, never>;
        result: readonly object[];
      };
      postCount: {
        args: Record<never, never>;
        result: number;
      };
      manager: {
        args: Record<never, never>;
        result: object | null;
      };
      reports: {
        args: Record<never, never>;
        result: readonly object[];
      };
      roleOfManager: {
        args: Record<never, never>;
        result: Role | null;
      };
    };
  };
}
