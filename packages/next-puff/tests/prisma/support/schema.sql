create type user_role as enum ('admin', 'Content Editor', 'READER');

create table users (
  id serial primary key,
  email varchar(100) not null constraint users_email_key unique,
  name text,
  role user_role not null default 'READER',
  karma integer not null default 0,
  created_at timestamptz(3) not null default current_timestamp,
  manager_id integer references users (id) on delete set null on update cascade
);
create table "Profile" (
  id serial primary key,
  bio text not null,
  user_id integer not null unique references users (id) on delete cascade on update cascade
);
create table "Post" (
  id serial primary key,
  title text not null,
  body text not null default '',
  published boolean not null default false,
  views integer not null default 0,
  rating decimal(10, 4),
  author_id integer not null references users (id) on delete restrict on update cascade,
  constraint "Post_author_id_title_key" unique (author_id, title)
);
create table "Tag" (
  id serial primary key,
  name text not null unique
);
create table "_PostToTag" (
  "A" integer not null references "Post" (id) on delete cascade on update cascade,
  "B" integer not null references "Tag" (id) on delete cascade on update cascade,
  primary key ("A", "B")
);
create table "Comment" (
  id serial primary key,
  text text not null,
  post_id integer not null references "Post" (id) on delete cascade on update cascade,
  author_id integer not null references users (id) on delete restrict on update cascade
);
create table "Everything" (
  id integer primary key,
  string text,
  varchar varchar(20),
  char char(5),
  uuid uuid,
  xml xml,
  inet inet,
  bit bit(4),
  varbit varbit(8),
  int integer,
  smallint smallint,
  oid oid,
  bigint bigint,
  float double precision,
  real real,
  decimal decimal(65, 30),
  money money,
  boolean boolean,
  timestamp timestamp(3),
  timestamptz timestamptz(6),
  date date,
  time time(3),
  timetz timetz(3),
  json json,
  jsonb jsonb,
  bytes bytea,
  role user_role,
  strings text[],
  uuids uuid[],
  inets inet[],
  ints integer[],
  bigints bigint[],
  floats double precision[],
  decimals decimal(65, 30)[],
  moneys money[],
  booleans boolean[],
  timestamps timestamp(3)[],
  timestamptzs timestamptz(3)[],
  dates date[],
  times time(3)[],
  jsons jsonb[],
  bytess bytea[],
  roles user_role[]
);
create table "Reading" (
  sensor text not null,
  "takenAt" timestamptz(3) not null,
  value double precision not null,
  amount bigint not null,
  primary key (sensor, "takenAt")
);
