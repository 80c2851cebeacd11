function [j, ll, err] = cg_backtracking(evaluate, params, chs)
% Walk down the recorded CG iterates from the last as long as the log-likelihood does not fall.
%
%   evaluate   handle, params -> [ll, err]
%   params     psize x 1
%   chs        1 x k cell of iterates
%   j          the iterate chosen; ll and err belong to params + chs{j}

j = numel(chs);
[ll, err] = evaluate(params + chs{j});
while j > 1
    [lowll, lowerr] = evaluate(params + chs{j-1});
    if lowll < ll
        return
    end
    % ties move down
    j = j - 1;
    ll = lowll;
    err = lowerr;
end
end
