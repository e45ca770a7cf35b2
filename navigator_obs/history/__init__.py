"""Stage 4. Many runs → findings: folders of runs become lists, comparisons and trends."""
