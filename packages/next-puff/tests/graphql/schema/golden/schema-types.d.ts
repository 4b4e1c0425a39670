// Written by `next-puff generate`; changes are lost.

export interface DateRange {
  readonly from?: Date | null;
  readonly to?: Date | null;
}

export type Order = 'ASC' | 'DESC';

export type Role = 'ADMIN' | 'EDITOR' | 'READER';

export interface UserFilter {
  readonly name?: string | null;
  readonly ids?: number[] | null;
  readonly role?: Role | null;
  readonly order?: Order | null;
  readonly created?: DateRange | null;
}

export interface PageInfoColumns {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
  readonly [column: string]: unknown;
}

export interface PostColumns {
  readonly id: number;
  readonly title: string;
  readonly [column: string]: unknown;
}

export interface PostConnectionColumns {
  readonly totalCount: number;
  readonly [column: string]: unknown;
}

export interface PostEdgeColumns {
  readonly cursor: string;
  readonly [column: string]: unknown;
}

export interface TagColumns {
  readonly id: number;
  readonly name: string;
  readonly [column: string]: unknown;
}

export interface UserColumns {
  readonly id: never;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly shout: unknown;
  readonly postCount: number;
  readonly [column: string]: unknown;
}

export interface UserConnectionColumns {
  readonly totalCount: number;
  readonly [column: string]: unknown;
}

export interface UserEdgeColumns {
  readonly cursor: string;
  readonly [column: string]: unknown;
}

/** The object types of the schema, for `defineSchema<Context, SchemaTypes>`. */
export interface SchemaTypes {
  Mutation: {
    parent: Record<never, never>;
    fields: {
      addTag: {
        args: {
          readonly name: string;
        };
        result: object;
      };
      rename: {
        args: {
          readonly id: number;
          readonly name?: string | null;
        };
        result: readonly object[];
      };
      setRole: {
        args: {
          readonly id: number;
          readonly role: Role;
        };
        result: readonly object[];
      };
    };
  };
  PageInfo: {
    parent: PageInfoColumns;
    fields: {
      hasNextPage: {
        args: Record<never, never>;
        result: boolean;
      };
      hasPreviousPage: {
        args: Record<never, never>;
        result: boolean;
      };
      startCursor: {
        args: Record<never, never>;
        result: string | null;
      };
      endCursor: {
        args: Record<never, never>;
        result: string | null;
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
  PostConnection: {
    parent: PostConnectionColumns;
    fields: {
      edges: {
        args: Record<never, never>;
        result: readonly object[];
      };
      nodes: {
        args: Record<never, never>;
        result: readonly object[];
      };
      pageInfo: {
        args: Record<never, never>;
        result: object;
      };
      totalCount: {
        args: Record<never, never>;
        result: number;
      };
    };
  };
  PostEdge: {
    parent: PostEdgeColumns;
    fields: {
      cursor: {
        args: Record<never, never>;
        result: string;
      };
      node: {
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
          readonly after: number | null;
          readonly limit: number;
          readonly role?: Role | null;
          readonly roles?: Role[] | null;
          readonly until?: Date | null;
          readonly name?: string | null;
          readonly emails?: string[] | null;
          readonly filter?: UserFilter | null;
          readonly upper?: unknown;
        };
        result: readonly object[];
      };
      user: {
        args: {
          readonly id: string;
        };
        result: object | null;
      };
      userCount: {
        args: {
          readonly min?: number | null;
        };
        result: number;
      };
      page: {
        args: {
          readonly first?: number | null;
          readonly after?: string | null;
          readonly last?: number | null;
          readonly before?: string | null;
          readonly search?: string | null;
        };
        result: object;
      };
      forwardPage: {
        args: {
          readonly first?: number | null;
          readonly after?: string | null;
        };
        result: object;
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
        result: string;
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
      shout: {
        args: Record<never, never>;
        result: unknown;
      };
      posts: {
        args: {
          readonly first?: number | null;
        };
        result: readonly object[];
      };
      postPage: {
        args: {
          readonly first?: number | null;
          readonly after?: string | null;
          readonly last?: number | null;
          readonly before?: string | null;
        };
        result: object;
      };
      postCount: {
        args: Record<never, never>;
        result: number;
      };
      tags: {
        args: Record<never, never>;
        result: readonly object[];
      };
      manager: {
        args: Record<never, never>;
        result: object | null;
      };
    };
  };
  UserConnection: {
    parent: UserConnectionColumns;
    fields: {
      edges: {
        args: Record<never, never>;
        result: readonly object[];
      };
      nodes: {
        args: Record<never, never>;
        result: readonly object[];
      };
      pageInfo: {
        args: Record<never, never>;
        result: object;
      };
      totalCount: {
        args: Record<never, never>;
        result: number;
      };
    };
  };
  UserEdge: {
    parent: UserEdgeColumns;
    fields: {
      cursor: {
        args: Record<never, never>;
        result: string;
      };
      node: {
        args: Record<never, never>;
        result: object;
      };
    };
  };
}
