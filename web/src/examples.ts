// Texts to begin with, each with questions worth asking, one of them without an answer.
import lighthouses from "../../examples/data/lighthouses.txt?raw";
import { type TextDocument, textDocument } from "./document";
import agreement from "./examples/agreement.txt?raw";
import notes from "./examples/notes.txt?raw";

export interface Example {
  about: string;
  document: TextDocument;
}

function example(name: string, about: string, text: string, questions: string[]): Example {
  return { about, document: { ...textDocument(name, text), questions } };
}

export const examples: Example[] = [
  example("A short history of the lighthouse", "A long article: the answer is somewhere in it.", lighthouses, [
    "Who built the first tower on the Eddystone?",
    "Which lighthouse is the oldest in use?",
    "How many candles did Smeaton's tower have?",
    "Which team won the cup?",
  ]),
  example("A rental agreement", "A contract: dates, sums and duties.", agreement, [
    "How much is the deposit?",
    "When does the tenancy begin?",
    "When must leaks be reported?",
    "What colour is the door?",
  ]),
  example("Notes of a café", "Accents and emoji, each in its place.", notes, [
    "Who repaired the espresso machine?",
    "How many cups were sold on the record day?",
    "Where do the beans come from?",
    "What does a cup of tea cost?",
  ]),
];
