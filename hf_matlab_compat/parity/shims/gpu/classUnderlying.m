function name = classUnderlying(x)
% The processor's arrays have no other class beneath theirs.

name = class(x);
end
