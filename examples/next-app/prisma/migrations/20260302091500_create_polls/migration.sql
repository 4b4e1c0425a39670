-- CreateTable
CREATE TABLE "questions" (
    "id" SERIAL NOT NULL,
    "text" VARCHAR(200) NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "questions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "choices" (
    "id" SERIAL NOT NULL,
    "question_id" INTEGER NOT NULL,
    "text" VARCHAR(100) NOT NULL,
    "position" SMALLINT NOT NULL,

    CONSTRAINT "choices_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "votes" (
    "id" SERIAL NOT NULL,
    "question_id" INTEGER NOT NULL,
    "choice_id" INTEGER NOT NULL,
    "voter_id" UUID NOT NULL,
    "voted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "votes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "questions_text_key" ON "questions"("text");

-- CreateIndex
CREATE INDEX "questions_published_at_id_idx" ON "questions"("published_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "choices_question_id_id_key" ON "choices"("question_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "choices_question_id_position_key" ON "choices"("question_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "choices_question_id_text_key" ON "choices"("question_id", "text");

-- CreateIndex
CREATE INDEX "votes_question_id_choice_id_idx" ON "votes"("question_id", "choice_id");

-- CreateIndex
CREATE UNIQUE INDEX "votes_question_id_voter_id_key" ON "votes"("question_id", "voter_id");

-- AddForeignKey
ALTER TABLE "choices" ADD CONSTRAINT "choices_question_id_fkey" FOREIGN KEY ("question_id") REFERENCES "questions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "votes" ADD CONSTRAINT "votes_question_id_fkey" FOREIGN KEY ("question_id") REFERENCES "questions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "votes" ADD CONSTRAINT "votes_question_id_choice_id_fkey" FOREIGN KEY ("question_id", "choice_id") REFERENCES "choices"("question_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Texts that are empty or only spaces. Prisma's schema has no check constraints, so they are kept here.
ALTER TABLE "questions" ADD CONSTRAINT "questions_text_not_blank" CHECK ("text" ~ '\S');
ALTER TABLE "choices" ADD CONSTRAINT "choices_text_not_blank" CHECK ("text" ~ '\S');
