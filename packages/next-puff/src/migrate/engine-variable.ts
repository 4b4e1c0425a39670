/** Names the directory of `@prisma/schema-engine-wasm` to the program that runs it. */
export const ENGINE_PACKAGE_VARIABLE = 'NEXT_PUFF_SCHEMA_ENGINE';
